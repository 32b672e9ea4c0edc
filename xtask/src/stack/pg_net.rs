//! The stand-in for pg_net's background worker.

use anyhow::Result;
use nix::sys::signal::Signal;

use super::READY_WITHIN;
use crate::project::Project;
use crate::run::{Run, Service};
use crate::tools::Deno;

pub fn start(project: &Project, run: &Run, database_url: &str) -> Result<Service> {
    let mut command = Deno::Current.run(project)?;
    command
        .env("STACK_DB_URL", database_url)
        .args(["--allow-net", "--allow-env", "--allow-read"])
        .arg("tests/stack/pg_net.ts");
    let mut service = run.start("pg_net", Signal::SIGKILL, command)?;
    service.wait_until(READY_WITHIN, |log| log.contains("ready").then_some(()))?;
    Ok(service)
}
