//! What only Debian packages: two extensions and the Postgres they were built for.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::geteuid;

use crate::command::output;
use crate::progress::heading;

const PACKAGES: [&str; 2] = ["postgresql-15-cron", "postgresql-15-plpgsql-check"];
const EXTENSIONS: &str = "/usr/share/postgresql/15/extension";

/// The folder of a Postgres that has pg_cron and plpgsql_check, installed where that is possible; else why there is
/// none.
pub fn debian_postgres() -> Result<Result<PathBuf, &'static str>> {
    let folder = PathBuf::from("/usr/lib/postgresql/15");
    let mut extensions = ["pg_cron.control", "plpgsql_check.control"].into_iter();
    if extensions.all(|name| Path::new(EXTENSIONS).join(name).exists()) {
        return Ok(Ok(folder));
    }
    if !is_there("apt-get") {
        return Ok(Err(
            "postgresql-15-cron and postgresql-15-plpgsql-check come with apt, which is not here",
        ));
    }
    if !geteuid().is_root() {
        return Ok(Err(
            "only root may install them: apt-get install postgresql-15-cron postgresql-15-plpgsql-check",
        ));
    }
    install()?;
    Ok(Ok(folder))
}

fn install() -> Result<()> {
    heading(&format!("installing {} with apt", PACKAGES.join(" and ")));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments);
        output(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])?;
    apt(&["install", "--yes", PACKAGES[0], PACKAGES[1]])
        .context("Debian 12 has them; elsewhere add the packages of apt.postgresql.org")?;
    Ok(())
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
