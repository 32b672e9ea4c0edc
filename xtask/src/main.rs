//! The commands of this repository; `cargo xtask --help` lists them.

mod bench;
mod command;
mod demo;
mod faults;
mod fuzz;
mod package;
mod progress;
mod project;
mod run;
mod setup_sql;
mod sources;
mod stack;
mod stack_command;
mod test;
mod tools;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::bench::Bench;
use crate::faults::Faults;
use crate::fuzz::Fuzz;
use crate::project::Project;
use crate::test::{Level, Selection};
use crate::tools::Deno;
use crate::wasm::Flavour;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The commands of this repository")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compile the worker to Wasm and write what the edge functions import
    Build {
        /// Build quickly and keep function names in stack traces
        #[arg(long)]
        debug: bool,
    },
    /// Build the npm package into pkg/, and the tarball of it that npm installs
    Pkg,
    /// Write the types of the npm package's jobs from the Rust types
    Types,
    /// Run a local Supabase project with the function until Ctrl-C; prints its addresses and keys
    Stack {
        /// The Deno that runs the function
        #[arg(long, value_enum, default_value = "current")]
        deno: Deno,
        /// Leave the function and Grok out: only the database and its API
        #[arg(long)]
        without_function: bool,
        /// Build quickly, and again whenever a source file changes; the functions keep their addresses
        #[arg(long, conflicts_with = "without_function")]
        watch: bool,
    },
    /// Write a report from a site visit's notes and photographs on a local stack, and show it
    Demo,
    /// Run all tests, or one level of them
    Test {
        #[arg(value_enum)]
        level: Option<Level>,
        /// The Deno that runs the function in the end-to-end tests; both side by side when not given
        #[arg(long, value_enum)]
        deno: Option<Deno>,
        /// Only tests whose names contain this
        #[arg(long)]
        filter: Option<String>,
    },
    /// Kill, cut off and delay the parts of a stack under load, then check what must hold
    Faults {
        /// The same seed gives the same faults in the same order
        #[arg(long)]
        seed: Option<u32>,
        /// How long faults are injected
        #[arg(long, default_value = "5")]
        minutes: u32,
        /// How long, in seconds
        #[arg(long, conflicts_with = "minutes")]
        seconds: Option<u32>,
        /// The Deno that runs the workers; both side by side when not given
        #[arg(long, value_enum)]
        deno: Option<Deno>,
        /// Only the drills whose names contain this
        #[arg(long, conflicts_with_all = ["seed", "minutes", "seconds"])]
        drill: Option<String>,
    },
    /// Send whatever may come to every door, and check what must hold
    Fuzz {
        /// The same seed gives the same cases in the same order
        #[arg(long)]
        seed: Option<u32>,
        /// How long each target runs; all run side by side
        #[arg(long, default_value = "10")]
        minutes: u32,
        /// How long, in seconds
        #[arg(long, conflicts_with = "minutes")]
        seconds: Option<u32>,
        /// Only targets whose names contain this
        #[arg(long)]
        filter: Option<String>,
    },
    /// Measure, all or one
    Bench {
        #[arg(value_enum)]
        bench: Option<Bench>,
        /// The Deno that runs the function
        #[arg(long, value_enum, default_value = "current")]
        deno: Deno,
        /// Passed on to the script
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Write supabase/setup-job-queue.sql from the migrations
    Sql {
        /// Only say whether it is up to date
        #[arg(long)]
        check: bool,
    },
    /// Clear up after a process that was killed; started by the other commands
    #[command(hide = true)]
    Watch { folder: PathBuf },
}

fn main() -> ExitCode {
    progress::start();
    let project = Project::locate();
    match run(&project, Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the task did what was asked; tests that fail did not.
fn run(project: &Project, task: Task) -> Result<bool> {
    match task {
        Task::Build { debug } => {
            let flavour = if debug {
                Flavour::Debug
            } else {
                Flavour::Release
            };
            wasm::build(project, flavour)?;
            package::copy_routes(project)?;
        }
        Task::Pkg => package::pack(project)?,
        Task::Types => package::write_types(project)?,
        Task::Stack {
            deno,
            without_function,
            watch,
        } => {
            if watch {
                return stack_command::watch(project, deno).map(|()| true);
            }
            stack_command::run(project, (!without_function).then_some(deno))?;
        }
        Task::Demo => demo::run(project)?,
        Task::Test {
            level,
            deno,
            filter,
        } => {
            return test::run(
                project,
                &Selection {
                    level,
                    deno,
                    filter,
                },
            );
        }
        Task::Faults {
            seed,
            minutes,
            seconds,
            deno,
            drill,
        } => {
            let faults = match drill {
                Some(drill) => Faults::drills(drill, deno),
                None => Faults::long(seed, seconds.unwrap_or(minutes * 60), deno),
            };
            wasm::build(project, Flavour::Release)?;
            let counts = faults::run(project, &faults)?;
            return Ok(counts.failed == 0);
        }
        Task::Fuzz {
            seed,
            minutes,
            seconds,
            filter,
        } => {
            package::build(project)?;
            let fuzz = Fuzz {
                seed,
                seconds: seconds.unwrap_or(minutes * 60),
                filter,
            };
            let counts = fuzz::run(project, &fuzz)?;
            return Ok(counts.failed == 0);
        }
        Task::Bench {
            bench,
            deno,
            arguments,
        } => bench::run(project, bench, deno, &arguments)?,
        Task::Sql { check: true } => setup_sql::check(project)?,
        Task::Sql { check: false } => setup_sql::write(project)?,
        Task::Watch { folder } => run::watch(&folder)?,
    }
    Ok(true)
}
