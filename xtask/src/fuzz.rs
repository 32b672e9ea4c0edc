//! `cargo xtask fuzz`: whatever may come to every door, for the same time each. All targets run side by side: those in
//! Rust on scripted hosts, those in TypeScript on a stack.

use std::process::Stdio;

use anyhow::Result;

use crate::progress::heading;
use crate::project::Project;
use crate::stack::{Function, Grok, Stack, random_number};
use crate::test::counts::Counts;
use crate::test::side_by_side::side_by_side;
use crate::test::suites;
use crate::tools::{Deno, cargo};

/// More than there are targets, so that none waits for another.
const AT_ONCE: &str = "32";

/// The options of a run.
pub struct Fuzz {
    /// The same seed gives the same cases in the same order; `None` takes a new one.
    pub seed: Option<u32>,
    /// How long each target runs.
    pub seconds: u32,
    /// Only targets whose names contain this.
    pub filter: Option<String>,
}

impl Fuzz {
    /// The short form, which is part of the tests.
    pub fn short(filter: Option<&str>) -> Self {
        Self {
            seed: None,
            seconds: 60,
            filter: filter.map(str::to_owned),
        }
    }
}

/// Runs the targets; each counts as one test.
pub fn run(project: &Project, fuzz: &Fuzz) -> Result<Counts> {
    let seed = fuzz.seed.map_or_else(random_number, Ok)?;
    let environment = [
        ("FUZZ_SEED", seed.to_string()),
        ("FUZZ_SECONDS", fuzz.seconds.to_string()),
    ];
    let function = Function {
        deno: Deno::Edge,
        grok: Grok::StandIn { delay_ms: 0 },
    };
    let stack = Stack::start(project, Some(&function))?;
    heading(&format!("fuzzing for {} s, seed {seed}", fuzz.seconds));
    let in_rust = || {
        let mut command = cargo(project);
        command
            .args(["test", "--quiet", "--lib"])
            .args(["--package", "pretium-queue", "--package", "image-kernel"])
            .args(["--package", "document-kernel"])
            .args(["--", "--nocapture", "--test-threads", AT_ONCE])
            .arg(fuzz.filter.as_deref().unwrap_or("fuzz"))
            .envs(environment.clone());
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let counts = suites::pass_on("", &mut child)?;
        Ok(counts.agree_with(child.wait()?.success()))
    };
    let in_typescript = || {
        let mut command = suites::test_command(project, &stack)?;
        command
            .arg("--parallel")
            .env("DENO_JOBS", AT_ONCE)
            .envs(environment.clone());
        let filter = fuzz.filter.as_deref();
        suites::run_tests("", project, &stack, command, &["tests/fuzz/"], filter)
    };
    side_by_side(vec![Box::new(in_rust), Box::new(in_typescript)])
}
