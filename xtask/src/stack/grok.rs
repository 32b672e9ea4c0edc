//! The stand-in for xAI's API.

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{READY_WITHIN, Server};
use crate::project::Project;
use crate::run::Run;
use crate::tools::Deno;

pub fn start(project: &Project, run: &Run, delay_ms: u32) -> Result<Server> {
    let mut command = Deno::Current.command(project)?;
    command
        .args([
            "run",
            "--quiet",
            "--no-prompt",
            "--no-check",
            "--cached-only",
        ])
        .args(["--allow-net", "--allow-read", "tests/grok/server.ts"])
        .args(["--port", "0", "--delay-ms", &delay_ms.to_string()]);
    let mut service = run.start("grok", Signal::SIGTERM, command)?;
    let url = service.wait_for_address(READY_WITHIN)?;
    Ok(Server { url, service })
}
