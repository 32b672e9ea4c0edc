//! The browser of the tests.

use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

use crate::command::output;
use crate::progress::heading;

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const WANTED: &str =
    "install Chromium (Debian: apt-get install chromium) so that `chromium` is on the path";

/// The program, installed where that is possible.
pub fn chromium() -> Result<String> {
    if let Some(path) = found() {
        return Ok(path);
    }
    if !geteuid().is_root() || !answers("apt-get") {
        bail!("no browser is here: {WANTED}");
    }
    heading("installing chromium with apt");
    apt(&["update"])?;
    apt(&["install", "--yes", "--no-install-recommends", "chromium"]).context(WANTED)?;
    found().context(WANTED)
}

fn found() -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let programs = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let mut programs = programs.filter(|program| program.is_file());
    Some(programs.next()?.to_string_lossy().into_owned())
}

fn answers(program: &str) -> bool {
    let version = Command::new(program).arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    output(&mut command).map(drop)
}
