//! Rules about the sources themselves that no compiler checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::handlers;
use crate::queue::retry::refusal;
use crate::testing::ScriptedHost;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path, extension),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a text file")
}

#[test]
fn every_file_of_handlers_is_in_its_list() {
    let folder = root().join("src/handlers");
    let list = read(&folder.join("mod.rs"));
    let entries = fs::read_dir(&folder).expect("a readable folder");
    let names = entries
        .map(|entry| entry.expect("a readable entry").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "mod");
    for name in names {
        let registration = format!("Registration::of::<{name}::");
        assert!(list.contains(&registration), "{name} is not registered");
    }
}

#[test]
fn no_two_handlers_have_the_same_job_type() {
    let handlers = handlers::all::<ScriptedHost>();
    let types: BTreeSet<_> = handlers.iter().map(|handler| &handler.job_type).collect();
    assert_eq!(types.len(), handlers.len());
}

#[test]
fn only_the_wasm_module_names_javascript_and_nobody_the_standard_clocks() {
    let javascript = ["wasm_bindgen", "js_sys", "web_sys", "gloo"];
    // They panic in Wasm.
    let clocks = ["std::time::", "Instant::now", "SystemTime"];
    for path in files_below(&root().join("src"), "rs") {
        let inside = path.strip_prefix(root()).expect("below the root");
        if inside.starts_with("src/testing") {
            continue;
        }
        let is_boundary = inside.starts_with("src/edge/wasm");
        let source = read(&path);
        for name in javascript {
            assert!(
                is_boundary || !source.contains(name),
                "{inside:?} names {name}"
            );
        }
        for name in clocks {
            assert!(!source.contains(name), "{inside:?} names {name}");
        }
    }
}

#[test]
fn the_refusals_are_the_same_in_sql_and_in_rust() {
    let known = BTreeSet::from(
        [
            refusal::CANCELLED,
            refusal::LEASE_LOST,
            refusal::NO_SUCH_JOB,
            refusal::BAD_ARGUMENT,
            refusal::WRONG_STATE,
            refusal::TOO_MANY_WAITING,
        ]
        .map(str::to_owned),
    );
    let migrations = files_below(&root().join("supabase/migrations"), "sql");
    let raised: BTreeSet<String> = migrations
        .iter()
        .flat_map(|path| codes(&read(path)))
        .collect();
    assert_eq!(raised, known);
}

/// What stands behind `errcode =`.
fn codes(sql: &str) -> Vec<String> {
    sql.split("errcode = '")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('\'')?.0.to_owned()))
        .filter(|code| code.starts_with("JQ"))
        .collect()
}
