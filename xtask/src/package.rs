//! The npm package: from `pkg-template/`, the edge functions and the migrations to `pkg/`, as it would be published.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{output, run};
use crate::progress::heading;
use crate::project::Project;
use crate::tools;
use crate::wasm::{self, Flavour};

const TEMPLATE: &str = "pkg-template";
const FOLDER: &str = "pkg";
/// Where the function `api` finds the sources of the routes.
const ROUTES: &str = "supabase/functions/api/pretium-queue";
/// A digest of what the worker was built from. It is not shipped.
const STAMP: &str = "supabase/functions/process-queued-jobs/worker/stamp";

/// Builds the worker and fills `pkg/`, and installs it into `node_modules`.
pub fn build(project: &Project) -> Result<()> {
    wasm::build(project, Flavour::Release)?;
    copy_routes(project)?;
    heading("building the npm package");
    let package = project.path(FOLDER);
    if package.exists() {
        fs::remove_dir_all(&package)?;
    }
    run(Command::new(project.node_modules().join(".bin/tsc"))
        .args(["--project", TEMPLATE])
        .current_dir(project.root()))?;
    name_scripts_in_declarations(&package.join("dist"))?;
    write_manifest(project, &package)?;
    fs::copy(project.path("LICENSE"), package.join("LICENSE"))?;
    fs::copy(
        project.path("pkg-template/README.md"),
        package.join("README.md"),
    )?;
    copy(
        &project.path("supabase/migrations"),
        &package.join("supabase/migrations"),
    )?;
    copy(
        &project.path("supabase/functions"),
        &package.join("supabase/functions"),
    )?;
    fs::remove_file(package.join(STAMP))?;
    install(project, &package)
}

/// Builds the package, packs it as npm publishes it, and says how an application installs it.
pub fn pack(project: &Project) -> Result<()> {
    build(project)?;
    let package = project.path(FOLDER);
    let packed = output(
        Command::new("npm")
            .args(["pack", "--silent", "--ignore-scripts"])
            .current_dir(&package),
    )?;
    let tarball = package.join(String::from_utf8(packed)?.trim());
    println!("           npm install {}", tarball.display());
    Ok(())
}

/// Puts the routes beside the function that mounts them, so that its folder can be deployed by itself.
pub fn copy_routes(project: &Project) -> Result<()> {
    let target = project.path(ROUTES);
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let source = project.path("pkg-template/src");
    copy(&source, &target)?;
    // What only Node and Next.js use.
    fs::remove_dir_all(target.join("cli"))?;
    fs::remove_file(target.join("next.ts"))?;
    Ok(())
}

/// Writes the types of jobs from the Rust types into the template.
pub fn write_types(project: &Project) -> Result<()> {
    heading("writing pkg-template/src/job_types.ts");
    let mut cargo = tools::cargo(project);
    cargo.args(["test", "--quiet", "--package", "pretium-queue", "--lib"]);
    cargo.args(["--", "the_types_of_the_npm_package"]);
    output(cargo.env("WRITE_JOB_TYPES", "1")).map(drop)
}

/// tsc makes `./job.js` of the `./job.ts` that a script imports, but not in its declarations; there TypeScript finds
/// its way all the same, and Deno does not.
fn name_scripts_in_declarations(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            name_scripts_in_declarations(&path)?;
        } else if path.to_string_lossy().ends_with(".d.ts") {
            fs::write(&path, with_script_imports(&fs::read_to_string(&path)?))?;
        }
    }
    Ok(())
}

fn with_script_imports(declarations: &str) -> String {
    let mut quotes = declarations.split('"');
    let mut rewritten = quotes.next().unwrap_or_default().to_owned();
    for part in quotes {
        let path = part
            .strip_suffix(".ts")
            .filter(|path| path.starts_with('.'));
        rewritten.push('"');
        match path {
            Some(path) => rewritten.extend([path, ".js"]),
            None => rewritten.push_str(part),
        }
    }
    rewritten
}

/// The template's manifest with the version of the workspace.
fn write_manifest(project: &Project, package: &Path) -> Result<()> {
    let template = fs::read_to_string(project.path("pkg-template/package.json"))?;
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let manifest = template.replace("\"version\": \"0.0.0\"", &version);
    fs::write(package.join("package.json"), manifest)?;
    Ok(())
}

/// Lets `import "pretium-queue"` work in this checkout as in an application. A copy, because Deno looks for the
/// types of packages only below `node_modules`.
fn install(project: &Project, package: &Path) -> Result<()> {
    let installed = project.node_modules().join("pretium-queue");
    if installed.exists() {
        fs::remove_dir_all(&installed)?;
    }
    copy(package, &installed)
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::with_script_imports;

    #[test]
    fn relative_imports_in_declarations_name_scripts() {
        let written =
            r#"import type { Job } from "./job.ts"; type A = import("../a.ts").A; import "x.ts";"#;
        let wanted =
            r#"import type { Job } from "./job.js"; type A = import("../a.js").A; import "x.ts";"#;
        assert_eq!(with_script_imports(written), wanted);
    }
}
