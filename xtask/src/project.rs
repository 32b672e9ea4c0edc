//! Where things are in this checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The folder that holds the workspace.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The checkout this program was built from. Cargo says where it is, even if it was moved.
    pub fn locate() -> Self {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().unwrap_or(&package).to_path_buf();
        Self { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub fn node_modules(&self) -> PathBuf {
        self.path("node_modules")
    }

    /// Everything the local stack writes; git-ignored.
    pub fn stack_data(&self) -> PathBuf {
        self.path(".stack")
    }

    pub fn function(&self) -> PathBuf {
        self.path("supabase/functions/process-queued-jobs")
    }

    /// The migrations in the order of their time stamps.
    pub fn migrations(&self) -> Result<Vec<PathBuf>> {
        let folder = self.path("supabase/migrations");
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut files = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
        if files.is_empty() {
            bail!("{} holds no migrations", folder.display());
        }
        files.sort();
        Ok(files)
    }
}
