//! The commands of this repository; `cargo xtask --help` lists them.

mod command;
mod progress;
mod project;
mod run;
mod stack;
mod stack_command;
mod tools;
mod wasm;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;
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
    /// Compile the worker to Wasm and write the module that the edge function imports
    Build {
        /// Build quickly and keep function names in stack traces
        #[arg(long)]
        debug: bool,
    },
    /// Run a local Supabase project with the function until Ctrl-C; prints its addresses and keys
    Stack {
        /// The Deno that runs the function
        #[arg(long, value_enum, default_value = "current")]
        deno: Deno,
        /// Leave the function and Grok out: only the database and its API
        #[arg(long)]
        without_function: bool,
    },
    /// Clear up after a process that was killed; started by the other commands
    #[command(hide = true)]
    Watch { folder: PathBuf },
}

fn main() -> Result<()> {
    progress::start();
    let project = Project::locate();
    match Cli::parse().command {
        Task::Build { debug } => {
            let flavour = if debug {
                Flavour::Debug
            } else {
                Flavour::Release
            };
            wasm::build(&project, flavour)
        }
        Task::Stack {
            deno,
            without_function,
        } => stack_command::run(&project, (!without_function).then_some(deno)),
        Task::Watch { folder } => run::watch(&folder),
    }
}
