//! The two Denos.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::packages::{NOT_INSTALLED, npm_architecture, npm_system, package_version};
use crate::project::Project;

/// The Deno to run something under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Deno {
    /// 2.1.4, whose behaviour Supabase's edge runtime has.
    Edge,
    /// The current release.
    Current,
}

impl Deno {
    pub const ALL: [Self; 2] = [Self::Edge, Self::Current];

    fn package(self) -> &'static str {
        match self {
            Self::Edge => "deno-edge",
            Self::Current => "deno",
        }
    }

    /// The Deno binary itself; what npm puts on the path is a Node script that starts it.
    pub fn binary(self, project: &Project) -> Result<PathBuf> {
        let package = project.node_modules().join(self.package());
        let version = package_version(&package)?;
        let platform = match std::env::consts::OS {
            "linux" => format!("linux-{}-glibc", npm_architecture()),
            other => format!("{}-{}", npm_system(other), npm_architecture()),
        };
        let name = format!("@deno/{platform}");
        let places = [package.join("node_modules"), project.node_modules()];
        places
            .iter()
            .map(|place| place.join(&name))
            .find(|found| package_version(found).is_ok_and(|found| found == version))
            .map(|found| found.join("deno"))
            .with_context(|| format!("the npm package {name} {version} {NOT_INSTALLED}"))
    }

    /// A command that runs it in the checkout; the caller adds the subcommand.
    pub fn command(self, project: &Project) -> Result<Command> {
        let mut command = Command::new(self.binary(project)?);
        command
            .current_dir(project.root())
            .env("DENO_DIR", project.stack_data().join("deno"))
            .env("DENO_NO_UPDATE_CHECK", "1")
            .env("NO_COLOR", "1")
            // A `RUST_BACKTRACE` meant for this program would make Deno add its own internals to every message.
            .env_remove("RUST_BACKTRACE");
        Ok(command)
    }

    /// A command that runs a script without installing anything; the caller adds rights and the script.
    pub fn run(self, project: &Project) -> Result<Command> {
        let mut command = self.command(project)?;
        command.args([
            "run",
            "--quiet",
            "--no-prompt",
            "--no-check",
            "--cached-only",
        ]);
        Ok(command)
    }

    /// The release, such as `2.1.4`.
    pub fn version(self, project: &Project) -> Result<String> {
        package_version(&project.node_modules().join(self.package()))
    }
}
