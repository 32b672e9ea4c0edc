//! The edge function under Deno.

use anyhow::Result;
use nix::sys::signal::Signal;
use serde_json::json;

use super::keys::Keys;
use super::{READY_WITHIN, Server, free_port};
use crate::project::Project;
use crate::run::Run;
use crate::tools::Deno;

/// The names under which [`start`] and [`start_api`] run.
pub const NAMES: [&str; 2] = ["function", "api"];

/// The page of another origin that may call the API.
const PAGE: &str = "https://app.example.com";

/// What Supabase and the project's owner would set, except for Grok.
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
        ("QUEUE_API_ORIGINS", PAGE.to_owned()),
        // The stack's photographs are on this machine.
        ("QUEUE_ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
        // On Supabase another isolate takes over; here one process serves as long as the stack runs.
        ("QUEUE_WALL_CLOCK_SECONDS", "none".to_owned()),
        ("QUEUE_CPU_MILLISECONDS", "none".to_owned()),
        ("QUEUE_MEMORY_MEGABYTES", "none".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Starts the worker.
pub fn start(
    project: &Project,
    run: &Run,
    deno: Deno,
    environment: &[(String, String)],
) -> Result<Server> {
    serve(project, run, deno, environment, NAMES[0], &[])
}

/// Starts the API.
pub fn start_api(
    project: &Project,
    run: &Run,
    deno: Deno,
    environment: &[(String, String)],
) -> Result<Server> {
    let function = ["--function", "../../supabase/functions/api/index.ts"];
    serve(project, run, deno, environment, NAMES[1], &function)
}

fn serve(
    project: &Project,
    run: &Run,
    deno: Deno,
    environment: &[(String, String)],
    name: &str,
    arguments: &[&str],
) -> Result<Server> {
    let mut command = deno.run(project)?;
    command
        .envs(environment.iter().cloned())
        .args([
            "--allow-net",
            "--allow-env",
            "--allow-read=supabase/functions",
            "tests/stack/serve_function.ts",
        ])
        // Its own, so that it is found there again when it is restarted.
        .args(["--port", &free_port()?.to_string()])
        .args(arguments);
    // Killed, because the database goes too: there is nobody to hand jobs over to.
    let mut service = run.start(name, Signal::SIGKILL, command)?;
    let url = service.wait_for_address(READY_WITHIN)?;
    Ok(Server { url, service })
}
