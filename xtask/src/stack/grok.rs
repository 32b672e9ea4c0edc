//! xAI's API or the stand-in for it.

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{READY_WITHIN, Server};
use crate::progress::heading;
use crate::project::Project;
use crate::run::Run;
use crate::tools::Deno;

/// How long the stand-in thinks: long enough to see a job's progress.
const STAND_IN_DELAY_MS: u32 = 700;

/// The API that the worker calls for xAI's.
pub enum Grok {
    /// The stand-in in `tests/grok/`, and how long it takes for each call.
    StandIn { delay_ms: u32 },
    /// xAI itself.
    Real { api_key: String },
}

impl Grok {
    /// xAI itself when `GROK_API_KEY` is set, else the stand-in; prints which.
    pub fn choose() -> Self {
        match std::env::var("GROK_API_KEY") {
            Ok(api_key) if !api_key.is_empty() => {
                heading("GROK_API_KEY is set: reports are written by xAI's API, which costs money");
                Self::Real { api_key }
            }
            _ => {
                heading("GROK_API_KEY is not set: a local stand-in plays xAI's API");
                Self::StandIn {
                    delay_ms: STAND_IN_DELAY_MS,
                }
            }
        }
    }
}

/// Starts the stand-in.
pub fn start(project: &Project, run: &Run, delay_ms: u32) -> Result<Server> {
    let mut command = Deno::Current.run(project)?;
    command
        .args(["--allow-net", "--allow-read", "tests/grok/server.ts"])
        .args(["--port", "0", "--delay-ms", &delay_ms.to_string()]);
    let mut service = run.start("grok", Signal::SIGTERM, command)?;
    let url = service.wait_for_address(READY_WITHIN)?;
    Ok(Server { url, service })
}
