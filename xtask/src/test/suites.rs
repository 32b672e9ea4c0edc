//! Starts what each suite of tests needs, and runs it.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::counts::{self, Counts};
use super::side_by_side::{Suite, side_by_side};
use crate::faults;
use crate::project::Project;
use crate::stack::{Function, Grok, Postgres, Stack};
use crate::tools::{Deno, cargo};
use crate::wasm::Flavour;

pub fn rust(project: &Project, filter: Option<&str>) -> Result<Counts> {
    let mut command = cargo(project);
    command
        .args(["test", "--quiet", "--workspace"])
        .args(filter);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let counts = pass_on("", &mut child)?;
    Ok(counts.agree_with(child.wait()?.success()))
}

/// These need the database only, and each file has one of its own: several run at the same time.
pub fn sql(project: &Project, filter: Option<&str>) -> Result<Counts> {
    let stack = Stack::start(project, None)?;
    let mut command = test_command(project, &stack)?;
    command.arg("--parallel");
    run_tests("", project, &stack, command, &["tests/sql/"], filter)
}

/// The package as npm would publish it, against the whole stack.
pub fn package(project: &Project, filter: Option<&str>) -> Result<Counts> {
    let function = Function {
        deno: Deno::Edge,
        grok: Grok::StandIn { delay_ms: 0 },
    };
    let stack = Stack::start(project, Some(&function))?;
    deno_test(project, &stack, &["tests/package/"], filter)
}

/// The package in an application of its own.
pub fn browser(project: &Project, chromium: &str, filter: Option<&str>) -> Result<Counts> {
    let function = Function {
        deno: Deno::Edge,
        // Slow enough to see the progress of a report.
        grok: Grok::StandIn { delay_ms: 700 },
    };
    let stack = Stack::start(project, Some(&function))?;
    let mut command = test_command(project, &stack)?;
    command.env("STACK_CHROMIUM", chromium);
    run_tests("", project, &stack, command, &["tests/browser/"], filter)
}

/// The function runs under each of `denos`, the tests themselves under the current one.
pub fn end_to_end(project: &Project, denos: &[Deno], filter: Option<&str>) -> Result<Counts> {
    faults::build_function(project)?;
    let mut suites: Vec<Suite> = Vec::new();
    // The stand-in for Grok does not depend on the function's Deno.
    let mut folders = vec!["tests/grok/", "tests/e2e/"];
    for &deno in denos {
        let function = Function {
            deno,
            grok: Grok::StandIn { delay_ms: 0 },
        };
        let stack = Stack::start(project, Some(&function))?;
        let label = format!("{}: ", deno.version(project)?);
        let folders = std::mem::replace(&mut folders, vec!["tests/e2e/"]);
        suites.push(Box::new(move || {
            let command = test_command(project, &stack)?;
            run_tests(&label, project, &stack, command, &folders, filter)
        }));
    }
    side_by_side(suites)
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

/// `deno test` on a stack, its output piped; the caller adds what to run.
pub fn test_command(project: &Project, stack: &Stack) -> Result<Command> {
    let mut command = Deno::Current.command(project)?;
    command
        .args([
            "test",
            "--quiet",
            "--no-prompt",
            "--no-check",
            "--allow-all",
        ])
        .envs(stack.environment())
        .env("FAULTS_FUNCTION", Flavour::Faults.function(project))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    Ok(command)
}

fn deno_test(
    project: &Project,
    stack: &Stack,
    folders: &[&str],
    filter: Option<&str>,
) -> Result<Counts> {
    let command = test_command(project, stack)?;
    run_tests("", project, stack, command, folders, filter)
}

/// Lines of the runner are printed behind the label.
pub fn run_tests(
    label: &str,
    project: &Project,
    stack: &Stack,
    mut command: Command,
    folders: &[&str],
    filter: Option<&str>,
) -> Result<Counts> {
    command
        .args(filter.map(|filter| format!("--filter={filter}")))
        .args(folders);
    let mut child = stack.run().spawn(&mut command, Signal::SIGTERM)?;
    let counts = pass_on(label, &mut child)?;
    let succeeded = stack.run().wait(child)?.success();
    let counts = counts.agree_with(succeeded);
    if counts.failed > 0 {
        stack.keep_logs(project)?;
    }
    Ok(counts)
}

/// Prints the output of a test runner and counts what passed.
pub fn pass_on(label: &str, child: &mut Child) -> Result<Counts> {
    let output = child
        .stdout
        .take()
        .context("the test runner's output is not piped")?;
    counts::pass_on(label, output)
}
