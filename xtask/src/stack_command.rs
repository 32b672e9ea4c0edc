//! `cargo xtask stack`: runs a local project until Ctrl-C.

use std::time::Duration;

use anyhow::Result;

use crate::project::Project;
use crate::stack::{Function, Grok, Stack};
use crate::tools::Deno;
use crate::wasm::{self, Flavour};

/// Runs until it is interrupted or a part fails.
pub fn run(project: &Project, deno: Option<Deno>) -> Result<()> {
    let function = deno.map(|deno| Function {
        deno,
        grok: Grok::choose(),
    });
    if function.is_some() {
        wasm::build(project, Flavour::Release)?;
    }
    let mut stack = Stack::start(project, function.as_ref())?;
    introduce(&stack);
    loop {
        stack.check_health()?;
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn introduce(stack: &Stack) {
    println!();
    for (name, value) in stack.environment() {
        println!("export {name}='{value}'");
    }
    println!(
        "
  psql '{database}'

  curl -s '{url}/rest/v1/rpc/enqueue_job' -H 'apikey: {secret}' \\
    -H 'content-type: application/json' -d '{{\"job_type\": \"noop\"}}'

  curl -s '{url}/functions/v1/process-queued-jobs' -H 'x-queue-token: {token}' -d '{{\"wait\": true}}'

Logs are in {logs}. Ctrl-C stops everything and removes its data.",
        database = stack.database_url(),
        url = stack.url(),
        secret = stack.keys().secret,
        token = stack.keys().worker_token,
        logs = stack.run().folder().display(),
    );
}
