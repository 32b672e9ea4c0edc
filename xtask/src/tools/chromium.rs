//! The browser of the tests.

use anyhow::{Context, Result};

use super::apt;

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const MISSING: &str =
    "there is no Chromium on the path, and only root may install it: apt-get install chromium";

/// The program, installed where that is possible; else why there is none.
pub fn chromium() -> Result<Result<String, &'static str>> {
    if let Some(program) = found() {
        return Ok(Ok(program));
    }
    if apt::may_install().is_err() {
        return Ok(Err(MISSING));
    }
    apt::install(&["chromium"])?;
    Ok(Ok(found().context(
        "apt installed a Chromium that is not on the path",
    )?))
}

fn found() -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut programs = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let program = programs.find(|program| program.is_file())?;
    Some(program.to_string_lossy().into_owned())
}
