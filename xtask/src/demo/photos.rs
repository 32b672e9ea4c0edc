//! The photographs of the site visit, drawn once and kept until their drawing changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::command::output;
use crate::progress::heading;
use crate::project::Project;
use crate::tools;

/// The folder of the photographs. Drawing them takes some 20 seconds of CPU.
pub fn prepare(project: &Project) -> Result<PathBuf> {
    let kept = project.stack_data().join("photos");
    let folder = kept.join(fingerprint(project)?);
    if folder.exists() {
        return Ok(folder);
    }
    heading("drawing the photographs of the site visit");
    // Renamed when it is complete, so that an interrupted run leaves nothing that looks complete.
    let unfinished = kept.join(format!("unfinished-{}", std::process::id()));
    fs::create_dir_all(&unfinished)?;
    output(
        Command::new("node")
            .arg(project.path("tests/site_visit/render_photos.mjs"))
            .arg(&unfinished),
    )?;
    fs::rename(&unfinished, &folder).context("the photographs cannot be kept")?;
    Ok(folder)
}

/// A digest of everything the pictures depend on.
fn fingerprint(project: &Project) -> Result<String> {
    let mut files = Vec::new();
    list(&project.path("tests/site_visit"), &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(fs::read(file)?);
    }
    let sharp = tools::package_version(&project.node_modules().join("sharp"))?;
    hash.update(sharp);
    let digits = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    Ok(digits[..16].to_owned())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
