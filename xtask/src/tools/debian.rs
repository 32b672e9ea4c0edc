//! Debian's Postgres with pg_cron and plpgsql_check, which no other registry has.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::apt;

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
    if apt::may_install().is_err() {
        return Ok(Err(
            "only root may install them, with apt: apt-get install postgresql-15-cron postgresql-15-plpgsql-check",
        ));
    }
    apt::install(&PACKAGES)
        .context("Debian 12 has them; elsewhere add the packages of apt.postgresql.org")?;
    Ok(Ok(folder))
}
