//! `cargo xtask test`: every level of tests, and how many passed.

pub mod counts;
mod lint;
pub mod side_by_side;
pub mod suites;

use anyhow::{Result, anyhow};

use crate::faults::{self, Faults};
use crate::fuzz::{self, Fuzz};
use crate::package;
use crate::progress::heading;
use crate::project::Project;
use crate::stack::Postgres;
use crate::tools::{self, Deno};
use counts::Counts;

/// A group of tests that can be run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Formatting, clippy, types, and whether generated files are up to date
    Lint,
    /// The Rust code, natively
    Rust,
    /// The database functions on a real Postgres
    Sql,
    /// The npm package: what it holds, its client and routes against the stack
    Package,
    /// A Next.js application with the npm package installed, in a browser
    Browser,
    /// Everything together: gateway, PostgREST, the function under Deno, Grok's stand-in
    E2e,
    /// What the Supabase CLI makes of the project: the function it uploads, the migrations it applies
    Deploy,
    /// On Debian's Postgres, which has the real pg_cron, and plpgsql_check for the CLI's linter
    Debian,
    /// Whatever may come to every door, for a minute each
    Fuzz,
    /// Everything together for half a minute, while its parts are killed, cut off and delayed
    Faults,
}

/// What to test.
pub struct Selection {
    /// `None`: all levels.
    pub level: Option<Level>,
    /// `None`: end to end under each Deno, side by side.
    pub deno: Option<Deno>,
    /// Only tests whose names contain this.
    pub filter: Option<String>,
}

/// Runs the selected tests; `false` when anything failed or did not run.
pub fn run(project: &Project, selection: &Selection) -> Result<bool> {
    // All levels but the Rust tests use the package and the worker in it, some for their types only.
    package::build(project)?;
    let levels = match selection.level {
        Some(level) => vec![level],
        None => vec![
            Level::Lint,
            Level::Rust,
            Level::Sql,
            Level::Package,
            Level::Browser,
            Level::E2e,
            Level::Fuzz,
            Level::Faults,
            Level::Deploy,
            Level::Debian,
        ],
    };
    let mut total = Counts::default();
    for level in levels {
        total += run_level(project, selection, level);
    }
    heading("all done");
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(total.failed == 0)
}

fn run_level(project: &Project, selection: &Selection, level: Level) -> Counts {
    let filter = selection.filter.as_deref();
    match level {
        Level::Lint => lint::run(project),
        Level::Rust => counted("the Rust tests", || suites::rust(project, filter)),
        Level::Sql => counted("the SQL tests", || suites::sql(project, filter)),
        Level::Browser => {
            with_what_may_be_missing("the tests in a browser", tools::chromium(), |chromium| {
                suites::browser(project, &chromium, filter)
            })
        }
        Level::Package => counted("the npm package", || suites::package(project, filter)),
        Level::E2e => counted("the end-to-end tests", || {
            let denos = selection.deno.map_or(Deno::ALL.to_vec(), |deno| vec![deno]);
            suites::end_to_end(project, &denos, filter)
        }),
        Level::Fuzz => counted("the fuzz tests", || {
            fuzz::run(project, &Fuzz::short(filter))
        }),
        Level::Faults => counted("the fault suite", || {
            faults::run(project, &Faults::short(selection.deno))
        }),
        Level::Deploy => counted("the tests of deployment", || {
            suites::deploy(project, filter)
        }),
        Level::Debian => with_what_may_be_missing(
            "the tests with Debian's Postgres",
            tools::debian_postgres(),
            |folder| suites::debian(project, &Postgres::Debian(folder), filter),
        ),
    }
}

/// Runs a level that may be left out where the system lacks what it needs: never in CI, and never silently.
fn with_what_may_be_missing<T>(
    name: &str,
    found: Result<Result<T, &'static str>>,
    suite: impl FnOnce(T) -> Result<Counts>,
) -> Counts {
    if let Ok(Err(reason)) = found
        && std::env::var_os("CI").is_none()
    {
        heading(&format!("LEFT OUT: {name}; {reason}"));
        return Counts::default();
    }
    counted(name, || suite(found?.map_err(|reason| anyhow!(reason))?))
}

/// A suite that cannot run, or runs no test, counts as failed.
fn counted(name: &str, suite: impl FnOnce() -> Result<Counts>) -> Counts {
    heading(name);
    match suite() {
        Ok(counts) if counts.passed + counts.failed > 0 => counts,
        Ok(_) => {
            eprintln!("{name} failed: no test ran");
            Counts::one_failed()
        }
        Err(error) => {
            eprintln!("{name} failed: {error:#}");
            Counts::one_failed()
        }
    }
}
