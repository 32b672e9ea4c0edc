//! `cargo xtask bench`: runs the measurements, each a script in `tests/bench/`, against a running stack.

use std::process::Stdio;

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use crate::progress::heading;
use crate::project::Project;
use crate::stack::{Function, Grok, Stack};
use crate::tools::{self, Deno};
use crate::wasm::{self, Flavour};

/// Something to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Bench {
    /// Buffers that a claim touches among many jobs
    Claim,
    /// Jobs per second through PostgREST, against the way Supabase's documentation shows
    Drain,
    /// 200 jobs of 1 MiB, 50 of them with results of 1 MiB, within the memory of an isolate
    Large,
    /// Insert to claim of one user's jobs while another user attacks the queue, against the same without
    Neighbour,
    /// Database time of an operator's queries among a million jobs
    Operate,
    /// Jobs per second against other queues for Postgres, each as its makers make it fast
    Peers,
    /// Start of the process to first answer, against a function in TypeScript
    Start,
    /// A report about 60 photographs of 5 MB within the limits of an isolate
    Visit,
    /// Insert to claim when the database wakes the worker, and how often it does
    Wake,
}

impl Bench {
    const ALL: [Self; 9] = [
        Self::Claim,
        Self::Drain,
        Self::Large,
        Self::Neighbour,
        Self::Operate,
        Self::Peers,
        Self::Start,
        Self::Visit,
        Self::Wake,
    ];

    fn script(self) -> &'static str {
        match self {
            Self::Claim => "tests/bench/claim.ts",
            Self::Drain => "tests/bench/drain.ts",
            Self::Large => "tests/bench/large.ts",
            Self::Neighbour => "tests/bench/neighbour.ts",
            Self::Operate => "tests/bench/operate.ts",
            Self::Peers => "tests/bench/peers.ts",
            Self::Start => "tests/bench/start.ts",
            Self::Visit => "tests/bench/visit.ts",
            Self::Wake => "tests/bench/wake.ts",
        }
    }
}

/// Runs one measurement or all; each gets a stack of its own whose function runs under `deno`.
pub fn run(
    project: &Project,
    bench: Option<Bench>,
    deno: Deno,
    arguments: &[String],
) -> Result<()> {
    wasm::build(project, Flavour::Release)?;
    let benches = bench.map_or(Bench::ALL.to_vec(), |bench| vec![bench]);
    for bench in benches {
        if bench == Bench::Peers {
            tools::install_peers(project)?;
        }
        let function = Function {
            deno,
            grok: Grok::StandIn { delay_ms: 0 },
        };
        let stack = Stack::start(project, Some(&function))?;
        heading(&format!(
            "{}, Deno {}",
            bench.script(),
            deno.version(project)?
        ));
        run_script(project, &stack, bench, arguments)?;
    }
    Ok(())
}

fn run_script(project: &Project, stack: &Stack, bench: Bench, arguments: &[String]) -> Result<()> {
    let mut command = Deno::Current.command(project)?;
    command
        .args(["run", "--quiet", "--no-prompt", "--no-check", "--allow-all"])
        .arg(bench.script())
        .args(arguments)
        .envs(stack.environment())
        .stdin(Stdio::null());
    let child = stack.run().spawn(&mut command, Signal::SIGTERM)?;
    let status = stack.run().wait(child)?;
    if !status.success() {
        bail!("{} failed: {status}", bench.script());
    }
    Ok(())
}
