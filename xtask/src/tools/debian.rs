//! What only Debian packages: pg_cron and the Postgres it was built for.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::geteuid;

use crate::command::output;
use crate::progress::heading;

const PACKAGE: &str = "postgresql-15-cron";
const EXTENSION: &str = "/usr/share/postgresql/15/extension/pg_cron.control";

/// The folder of a Postgres that has pg_cron, installed where that is possible; else why there is none.
pub fn postgres_with_cron() -> Result<Result<PathBuf, &'static str>> {
    let folder = PathBuf::from("/usr/lib/postgresql/15");
    if Path::new(EXTENSION).exists() {
        return Ok(Ok(folder));
    }
    if !is_there("apt-get") {
        return Ok(Err(
            "this system has no apt to install postgresql-15-cron with",
        ));
    }
    if !geteuid().is_root() {
        return Ok(Err(
            "only root may install it: apt-get install postgresql-15-cron",
        ));
    }
    heading(&format!("installing {PACKAGE} with apt"));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        output(
            command
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt(&["update"])?;
    apt(&["install", "--yes", PACKAGE])
        .with_context(|| format!("{PACKAGE} is in Debian 12: elsewhere add apt.postgresql.org"))?;
    Ok(Ok(folder))
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
