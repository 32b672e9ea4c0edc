//! The crates the worker is made of.

use std::fs;
use std::path::{Path, PathBuf};

/// What the worker is built on, by the names Rust knows them by.
const CRATES: [&str; 10] = [
    "console_error_panic_hook",
    "gloo_net",
    "js_sys",
    "postgrest",
    "serde",
    "serde_wasm_bindgen",
    "uuid",
    "wasm_bindgen",
    "wasm_bindgen_futures",
    "web_sys",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The code of the worker itself, comments and tests' support left out.
fn sources(folder: PathBuf) -> String {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths
        .filter(|path| !path.ends_with("src/testing"))
        .map(|path| match path.is_dir() {
            true => sources(path),
            false => fs::read_to_string(path).expect("a text file"),
        })
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_worker_uses_every_crate_it_is_built_on() {
    let sources = sources(root().join("src"));
    for name in CRATES {
        let path = format!("{name}::");
        let mut before = sources
            .match_indices(&path)
            .map(|(at, _)| sources[..at].chars().next_back());
        let stands_alone = before.any(|letter| letter.is_none_or(|letter| letter != '_'));
        assert!(stands_alone, "nothing in src/ names {name}");
    }
}

/// `postgrest` brings `url`, and that `idna`, whose tables of Unicode are 110 kB of Wasm. Version 1.0.0 of its adapter
/// is the one that has none: hosts are ASCII, as every Supabase project's is. `cargo update` would undo that.
#[test]
fn the_wasm_holds_no_tables_for_hosts_in_unicode() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a text file");
    assert!(
        lock.contains("name = \"idna_adapter\"\nversion = \"1.0.0\"\n"),
        "run cargo update --package idna_adapter --precise 1.0.0"
    );
    assert!(!lock.contains("name = \"icu_"), "ICU is back");
}
