//! `cargo xtask faults`: a load of jobs on a stack whose parts are killed, cut off and delayed, then checks of what
//! must hold. The script in `tests/faults/` causes the faults; this module starts the stack and keeps it alive.

use std::fs;
use std::process::ChildStdout;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::progress::heading;
use crate::project::Project;
use crate::stack::{Function, Grok, Stack, random_number};
use crate::test::counts::{self, Counts};
use crate::test::side_by_side::{Suite, side_by_side};
use crate::test::suites;
use crate::tools::Deno;
use crate::wasm::{self, Flavour};

/// The pause between two looks for parts that have ended; they stay away at least this long.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The options of a run.
#[derive(Debug, Clone)]
pub struct Faults {
    /// The same seed gives the same faults in the same order; `None` takes a new one.
    pub seed: Option<u32>,
    /// How long faults are injected.
    pub seconds: u32,
    /// `None`: under each Deno, side by side.
    pub deno: Option<Deno>,
    /// What is run: the short form leaves out the drills that take minutes.
    scripts: &'static [&'static str],
    /// Only tests whose names contain this.
    filter: Option<String>,
}

const SHORT: &[&str] = &[
    "tests/faults/faults.test.ts",
    "tests/faults/drills/killer.test.ts",
];
const LONG: &[&str] = &["tests/faults/"];
const DRILLS: &[&str] = &["tests/faults/drills/"];

impl Faults {
    /// The short form, which is part of the tests.
    pub fn short(deno: Option<Deno>) -> Self {
        Self {
            seed: Some(1),
            seconds: 25,
            deno,
            scripts: SHORT,
            filter: None,
        }
    }

    /// The long form, drills included.
    pub fn long(seed: Option<u32>, seconds: u32, deno: Option<Deno>) -> Self {
        Self {
            seed,
            seconds,
            deno,
            scripts: LONG,
            filter: None,
        }
    }

    /// Only the drills whose names contain `filter`.
    pub fn drills(filter: String, deno: Option<Deno>) -> Self {
        Self {
            seed: None,
            seconds: 0,
            deno,
            scripts: DRILLS,
            filter: Some(filter),
        }
    }

    fn title(&self, seed: u32, deno: &str) -> String {
        match &self.filter {
            Some(filter) => format!("drills with \"{filter}\" in their names, Deno {deno}"),
            None => format!("faults for {} s, seed {seed}, Deno {deno}", self.seconds),
        }
    }
}

/// Runs the suite under each Deno; every invariant counts as one test. The stack's own function is what was built last.
pub fn run(project: &Project, faults: &Faults) -> Result<Counts> {
    build_function(project)?;
    let denos = faults.deno.map_or(Deno::ALL.to_vec(), |deno| vec![deno]);
    let seed = faults.seed.map_or_else(random_number, Ok)?;
    let mut suites: Vec<Suite> = Vec::new();
    for deno in denos {
        let function = Function {
            deno,
            grok: Grok::StandIn { delay_ms: 20 },
        };
        let stack = Stack::start(project, Some(&function))?;
        let version = deno.version(project)?;
        heading(&faults.title(seed, &version));
        suites.push(Box::new(move || {
            run_on(project, stack, &version, seed, faults)
        }));
    }
    side_by_side(suites)
}

/// Copies the function and builds the worker with job types that crash into the copy.
pub fn build_function(project: &Project) -> Result<()> {
    let copy = Flavour::Faults.function(project);
    fs::create_dir_all(&copy)?;
    for entry in fs::read_dir(project.function())? {
        let path = entry?.path();
        if path.is_file() {
            fs::copy(&path, copy.join(path.file_name().unwrap_or_default()))?;
        }
    }
    wasm::build(project, Flavour::Faults)
}

fn run_on(
    project: &Project,
    mut stack: Stack,
    version: &str,
    seed: u32,
    faults: &Faults,
) -> Result<Counts> {
    let mut command = suites::test_command(project, &stack)?;
    command
        .args(faults.filter.iter().map(|text| format!("--filter={text}")))
        .args(faults.scripts)
        .env("FAULTS_SEED", seed.to_string())
        .env("FAULTS_SECONDS", faults.seconds.to_string());
    let mut child = stack.run().spawn(&mut command, Signal::SIGTERM)?;
    let output = child.stdout.take().context("its output is not piped")?;
    let counts = keep_alive(&mut stack, format!("{version}: "), output)?;
    let succeeded = stack.run().wait(child)?.success();
    let counts = counts.agree_with(succeeded);
    let table = stack.run().folder().join("faults.log");
    println!(
        "Deno {version}:\n{}",
        fs::read_to_string(table).unwrap_or_default()
    );
    if counts.failed > 0 {
        stack.keep_logs(project)?;
    }
    Ok(counts)
}

/// Restarts the parts that end, until the script ends.
fn keep_alive(stack: &mut Stack, label: String, output: ChildStdout) -> Result<Counts> {
    let reader = std::thread::spawn(move || counts::pass_on(&label, output));
    while !reader.is_finished() {
        stack.restart_ended()?;
        std::thread::sleep(LOOK_EVERY);
    }
    reader
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
