//! Every job type is known, once.

use std::collections::BTreeSet;

use super::{files_below, read};
use crate::handlers;
use crate::testing::ScriptedHost;

#[test]
fn every_file_of_handlers_is_in_its_list() {
    let list = read("src/handlers/mod.rs");
    let files = files_below("src/handlers", ".rs");
    let names = files
        .iter()
        .filter_map(|path| path.strip_prefix("src/handlers/")?.split(['/', '.']).next());
    for name in names.filter(|name| *name != "mod") {
        let registration = format!("Registration::of::<{name}::");
        assert!(list.contains(&registration), "{name} is not registered");
    }
}

/// On the edge nothing else brings it.
#[test]
fn every_job_type_that_is_not_resident_is_in_a_chunk() {
    let chunk = read("src/edge/wasm/chunk.rs");
    let resident = handlers::resident::<ScriptedHost>();
    for one in handlers::all::<ScriptedHost>() {
        let is_resident = resident.iter().any(|other| other.job_type == one.job_type);
        let attempt = format!("attempt::<{},", handler(&one.job_type));
        assert!(is_resident || chunk.contains(&attempt), "{}", one.job_type);
    }
}

/// The name of the type that runs such jobs.
fn handler(job_type: &str) -> String {
    let words = job_type
        .split('_')
        .filter_map(|word| word.split_at_checked(1));
    words
        .map(|(first, rest)| first.to_uppercase() + rest)
        .collect()
}

#[test]
fn no_two_handlers_have_the_same_job_type() {
    let handlers = handlers::all::<ScriptedHost>();
    let types: BTreeSet<_> = handlers.iter().map(|handler| &handler.job_type).collect();
    assert_eq!(types.len(), handlers.len());
}
