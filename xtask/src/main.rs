//! The commands of this repository; `cargo xtask --help` lists them.

mod command;
mod progress;
mod project;
mod tools;
mod wasm;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;
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
    }
}
