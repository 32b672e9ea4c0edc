//! Rules about the sources themselves that no compiler checks.

mod circles;
mod exempt;
mod files;
mod handlers;
mod indexing;
mod layers;
mod lines;
mod platform;
mod refusals;
mod source;
mod tree;
mod type_names;

use std::path::Path;
use std::{env, fs};

/// Where a rule is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// The file or folder, from the project's root.
    path: String,
    message: String,
}

impl Finding {
    fn new(path: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

/// The files below `folder` whose names end in `extension`, as paths from the project's root.
fn files_below(folder: &str, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a readable folder");
    let mut paths: Vec<String> = entries
        .map(|entry| entry.expect("a readable entry"))
        .filter(|entry| entry.file_name() != "node_modules")
        .flat_map(|entry| {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                files_below(&path, extension)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.ends_with(extension))
        .collect();
    paths.sort();
    paths
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a text file")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
