//! Finds the programs the other commands need, and installs them where that is possible.

mod apt;
mod chromium;
mod debian;
mod deno;
mod packages;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

pub use self::chromium::chromium;
pub use self::debian::debian_postgres;
pub use self::deno::Deno;
pub use self::packages::{
    install_packages, install_peers, package_version, postgres, postgrest, wasm_opt,
};
use crate::command::{output, run};
use crate::progress::heading;
use crate::project::Project;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that the pinned toolchain can compile to Wasm.
pub fn install_wasm_target(project: &Project) -> Result<()> {
    let installed = rust_sysroot(project)?.join("lib/rustlib").join(WASM_TARGET);
    if installed.exists() {
        return Ok(());
    }
    heading(&format!("installing the Rust target {WASM_TARGET}"));
    run(Command::new("rustup")
        .args(["target", "add", WASM_TARGET])
        .current_dir(project.root()))
    .with_context(|| {
        format!(
            "install the Rust target {WASM_TARGET} for the toolchain that rust-toolchain.toml names"
        )
    })
}

/// The folder of the pinned toolchain.
pub fn rust_sysroot(project: &Project) -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "sysroot"])
        .current_dir(project.root());
    let sysroot = output(&mut rustc)
        .context("rustc is missing: install Rust with rustup from https://rustup.rs")?;
    Ok(PathBuf::from(String::from_utf8(sysroot)?.trim()))
}

/// The cargo that started this program, working on the whole checkout.
pub fn cargo(project: &Project) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project.root());
    cargo
}
