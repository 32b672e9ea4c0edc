//! Formatting, lints, types and generated files.

use anyhow::Result;

use super::counts::Counts;
use crate::command::run as run_command;
use crate::progress::heading;
use crate::project::Project;
use crate::setup_sql;
use crate::tools::{Deno, cargo};

/// Each check counts as one test.
pub fn run(project: &Project) -> Counts {
    let mut counts = Counts::default();
    let mut check = |name: &str, outcome: Result<()>| {
        counts += match outcome {
            Ok(()) => Counts::one_passed(),
            Err(error) => {
                eprintln!("{name} failed: {error:#}");
                Counts::one_failed()
            }
        };
    };
    heading("the generated SQL file");
    check("the generated SQL file", setup_sql::check(project));
    for (name, arguments) in CARGO {
        heading(name);
        let mut command = cargo(project);
        check(name, run_command(command.args(arguments.split(' '))));
    }
    for (name, arguments) in DENO {
        for folder in FOLDERS {
            // The build checks these types, with the compiler that the package is made by.
            if folder == TEMPLATE && name == CHECK {
                continue;
            }
            let name = format!("{name} {folder}");
            heading(&name);
            check(&name, deno(project, folder, arguments));
        }
    }
    counts
}

const CARGO: [(&str, &str); 5] = [
    ("rustfmt", "fmt --all --check"),
    (
        "clippy",
        "clippy --quiet --workspace --all-targets -- -D warnings",
    ),
    (
        "clippy for Wasm",
        "clippy --quiet --package pretium-queue --lib --features faults --target wasm32-unknown-unknown -- -D warnings",
    ),
    (
        "clippy for the module of photographs",
        "clippy --quiet --package image-kernel --lib --features module --target wasm32-unknown-unknown -- -D warnings",
    ),
    (
        "clippy for the module of documents",
        "clippy --quiet --package document-kernel --lib --features module --target wasm32-unknown-unknown -- -D warnings",
    ),
];

const TEMPLATE: &str = "pkg-template";
const FOLDERS: [&str; 4] = [
    "tests",
    TEMPLATE,
    "supabase/functions/process-queued-jobs",
    "supabase/functions/api",
];

const CHECK: &str = "deno check";
const DENO: [(&str, &str); 3] = [
    ("deno fmt", "fmt --check"),
    ("deno lint", "lint --quiet"),
    (CHECK, "check --quiet ."),
];

fn deno(project: &Project, folder: &str, arguments: &str) -> Result<()> {
    let mut command = Deno::Current.command(project)?;
    run_command(
        command
            .args(arguments.split(' '))
            .current_dir(project.path(folder)),
    )
}
