//! The tests that run: each suite with what it needs around it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::counts::Counts;
use crate::project::Project;
use crate::stack::{Function, Grok, Postgres, Stack};
use crate::tools::{Deno, cargo};

pub fn rust(project: &Project, filter: Option<&str>) -> Result<Counts> {
    let mut command = cargo(project);
    command
        .args(["test", "--quiet", "--workspace"])
        .args(filter);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let counts = pass_on(&mut child)?;
    let succeeded = child.wait()?.success();
    Ok(agree(counts, succeeded))
}

/// These need the database only.
pub fn sql(project: &Project, filter: Option<&str>) -> Result<Counts> {
    let stack = Stack::start(project, None)?;
    deno_test(project, &stack, &["tests/sql/"], filter)
}

/// The function runs under `deno`, the tests themselves under the current one.
pub fn end_to_end(project: &Project, deno: Deno, filter: Option<&str>) -> Result<Counts> {
    let function = Function {
        deno,
        grok: Grok::StandIn { delay_ms: 0 },
    };
    let stack = Stack::start(project, Some(&function))?;
    deno_test(project, &stack, &["tests/grok/", "tests/e2e/"], filter)
}

/// The function runs under the Deno of Supabase's edge runtime.
pub fn deploy(project: &Project, filter: Option<&str>) -> Result<Counts> {
    let function = Function {
        deno: Deno::Edge,
        grok: Grok::StandIn { delay_ms: 0 },
    };
    let stack = Stack::start(project, Some(&function))?;
    deno_test(project, &stack, &["tests/deploy/"], filter)
}

/// The same with the real pg_cron.
pub fn debian(project: &Project, postgres: &Postgres, filter: Option<&str>) -> Result<Counts> {
    let function = Function {
        deno: Deno::Edge,
        grok: Grok::StandIn { delay_ms: 0 },
    };
    let stack = Stack::start_on(project, postgres, Some(&function))?;
    deno_test(project, &stack, &["tests/debian/"], filter)
}

fn deno_test(
    project: &Project,
    stack: &Stack,
    folders: &[&str],
    filter: Option<&str>,
) -> Result<Counts> {
    let mut command = Deno::Current.command(project)?;
    command
        .args([
            "test",
            "--quiet",
            "--no-prompt",
            "--no-check",
            "--allow-all",
        ])
        .args(filter.map(|filter| format!("--filter={filter}")))
        .args(folders)
        .envs(stack.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = stack.run().spawn(&mut command, Signal::SIGTERM)?;
    let counts = pass_on(&mut child)?;
    let succeeded = stack.run().wait(child)?.success();
    let counts = agree(counts, succeeded);
    if counts.failed > 0 {
        let folder = project.stack_data().join("logs");
        stack.run().keep_logs(&folder)?;
        println!(
            "what the parts of the stack wrote is in {}",
            folder.display()
        );
    }
    Ok(counts)
}

/// Shows what `child` writes and adds up the summaries in it.
fn pass_on(child: &mut Child) -> Result<Counts> {
    let output = child
        .stdout
        .take()
        .context("the test runner's output is not piped")?;
    let mut total = Counts::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some(counts) = Counts::in_line(&line) {
            total += counts;
        }
    }
    Ok(total)
}

/// A runner that fails without a failed test could not compile one, or crashed.
fn agree(mut counts: Counts, succeeded: bool) -> Counts {
    if !succeeded && counts.failed == 0 {
        counts.failed = 1;
    }
    counts
}
