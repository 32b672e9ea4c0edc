//! Installs packages with apt, where this process may.

use std::process::Command;

use anyhow::Result;
use nix::unistd::geteuid;

use crate::command::output;
use crate::progress::heading;

/// Whether [`install`] can do anything.
pub fn may_install() -> Result<(), &'static str> {
    if Command::new("apt-get").arg("--version").output().is_err() {
        return Err("it comes with apt, which is not here");
    }
    if !geteuid().is_root() {
        return Err("only root may install it");
    }
    Ok(())
}

pub fn install(packages: &[&str]) -> Result<()> {
    heading(&format!("installing {} with apt", packages.join(" and ")));
    apt(&["update"])?;
    apt(&[&["install", "--yes"], packages].concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(arguments);
    output(command.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}
