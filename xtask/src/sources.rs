//! The files the edge functions are made of, watched by looking at them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::project::Project;

/// What the sources looked like when last seen.
pub struct Sources {
    roots: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, SystemTime>,
}

impl Sources {
    /// The sources as they are now.
    pub fn look(project: &Project) -> Self {
        let roots = [
            "kernels",
            "src",
            "supabase/functions",
            "pkg-template/src",
            "Cargo.toml",
        ];
        let roots: Vec<PathBuf> = roots.map(|path| project.root().join(path)).into();
        let seen = changes(&roots);
        Self { roots, seen }
    }

    /// Whether a file was written, added or removed since the last look.
    pub fn have_changed(&mut self) -> bool {
        let now = changes(&self.roots);
        let before = std::mem::replace(&mut self.seen, now);
        before != self.seen
    }
}

/// When each file was last written; one that has just gone is left out.
fn changes(roots: &[PathBuf]) -> BTreeMap<PathBuf, SystemTime> {
    let files = roots.iter().flat_map(|root| files_below(root));
    files
        .filter_map(|file| Some((file.clone(), file.metadata().ok()?.modified().ok()?)))
        .collect()
}

fn files_below(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = path.read_dir() else {
        return vec![path.to_owned()];
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| !is_generated(path))
        .flat_map(|path| files_below(&path))
        .collect()
}

/// What a build writes is no reason to build.
fn is_generated(path: &Path) -> bool {
    path.ends_with("process-queued-jobs/worker") || path.ends_with("api/pretium-queue")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_added_or_removed_is_a_change_and_nothing_else_is() {
        let root = std::env::temp_dir().join(format!("sources-{}", std::process::id()));
        let generated = root.join("process-queued-jobs/worker");
        std::fs::create_dir_all(&generated).expect("a folder");
        let roots = vec![root.clone()];
        let seen = changes(&roots);
        let mut sources = Sources { roots, seen };
        let file = root.join("lib.rs");
        let steps: [(&dyn Fn(), bool); 5] = [
            (&|| {}, false),
            (&|| std::fs::write(&file, "").expect("written"), true),
            (&|| touch(&file), true),
            (
                &|| std::fs::write(generated.join("stamp"), "").expect("written"),
                false,
            ),
            (&|| std::fs::remove_file(&file).expect("removed"), true),
        ];
        for (number, (step, is_change)) in steps.into_iter().enumerate() {
            step();
            assert_eq!(sources.have_changed(), is_change, "step {number}");
        }
        std::fs::remove_dir_all(&root).expect("removed");
    }

    fn touch(file: &Path) {
        let later = SystemTime::now() + std::time::Duration::from_secs(2);
        let file = std::fs::File::options()
            .write(true)
            .open(file)
            .expect("a file");
        file.set_modified(later).expect("touched");
    }
}
