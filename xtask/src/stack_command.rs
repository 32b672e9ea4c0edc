//! `cargo xtask stack`: runs a local project until Ctrl-C.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::package;
use crate::progress::heading;
use crate::project::Project;
use crate::sources::Sources;
use crate::stack::{Function, Grok, Stack};
use crate::tools::Deno;
use crate::wasm::{self, Flavour};

/// Runs until it is interrupted or a part fails.
pub fn run(project: &Project, deno: Option<Deno>) -> Result<()> {
    let mut stack = start(project, deno, Flavour::Release)?;
    loop {
        stack.check_health()?;
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// The same with a worker that is built quickly, and built and started again whenever its sources change.
pub fn watch(project: &Project, deno: Deno) -> Result<()> {
    let mut sources = Sources::look(project);
    let mut stack = start(project, Some(deno), Flavour::Debug)?;
    loop {
        stack.check_health_without_functions()?;
        if sources.have_changed() {
            reload(project, &mut stack);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn start(project: &Project, deno: Option<Deno>, flavour: Flavour) -> Result<Stack> {
    let function = deno.map(|deno| Function {
        deno,
        grok: Grok::choose(),
    });
    if function.is_some() {
        wasm::build(project, flavour)?;
    }
    let stack = Stack::start(project, function.as_ref())?;
    introduce(&stack);
    Ok(stack)
}

/// What does not compile or start is said; whatever served before goes on if it can.
fn reload(project: &Project, stack: &mut Stack) {
    let began = Instant::now();
    let reloaded = wasm::build(project, Flavour::Debug)
        .and_then(|()| package::copy_routes(project))
        .and_then(|()| stack.restart_functions());
    match reloaded {
        Ok(()) => heading(&format!(
            "served {:.1} s later",
            began.elapsed().as_secs_f32()
        )),
        Err(error) => eprintln!("error: {error:#}"),
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
