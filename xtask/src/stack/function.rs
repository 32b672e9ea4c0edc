//! The edge function under Deno.

use anyhow::Result;
use nix::sys::signal::Signal;
use serde_json::json;

use super::keys::Keys;
use super::{READY_WITHIN, Server};
use crate::project::Project;
use crate::run::Run;
use crate::tools::Deno;

/// What Supabase and the project's owner would set, Grok apart.
pub fn environment(keys: &Keys, url: &str) -> Vec<(String, String)> {
    [
        ("SUPABASE_URL", url.to_owned()),
        (
            "SUPABASE_SECRET_KEYS",
            json!({ "default": keys.secret }).to_string(),
        ),
        (
            "SUPABASE_PUBLISHABLE_KEYS",
            json!({ "default": keys.publishable }).to_string(),
        ),
        ("SUPABASE_SERVICE_ROLE_KEY", keys.service_role.clone()),
        ("SUPABASE_ANON_KEY", keys.anon.clone()),
        ("QUEUE_WORKER_TOKEN", keys.worker_token.clone()),
        // On the platform another isolate takes over; here this one serves for as long as the stack runs.
        ("QUEUE_WALL_CLOCK_SECONDS", "604800".to_owned()),
        ("QUEUE_CPU_MILLISECONDS", "604800000".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

pub fn start(
    project: &Project,
    run: &Run,
    deno: Deno,
    environment: &[(String, String)],
) -> Result<Server> {
    let mut command = deno.run(project)?;
    command
        .envs(environment.iter().cloned())
        .args([
            "--allow-net",
            "--allow-env",
            "tests/stack/serve_function.ts",
        ])
        .args(["--port", "0"]);
    // Without farewell: its jobs' database goes too.
    let mut service = run.start("function", Signal::SIGKILL, command)?;
    let url = service.wait_for_address(READY_WITHIN)?;
    Ok(Server { url, service })
}
