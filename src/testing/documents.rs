//! The documents for people: what they name exists, and the map leaves no module out.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

const DOCUMENTS: [&str; 11] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "pkg-template/README.md",
    "supabase/README.md",
    "supabase/settings.md",
    "supabase/sql.md",
    "tests/bench/README.md",
    "tests/reports/README.md",
    "tests/site_visit/README.md",
];

const MOST_HOPS: usize = 7;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut named = 0;
    for document in DOCUMENTS {
        let text = read(document);
        for path in code_spans(&text).filter(|span| is_source_path(span)) {
            assert!(root().join(path).exists(), "{document} names {path}");
            named += 1;
        }
        let folder = root().join(document);
        let folder = folder.parent().expect("a file is in a folder");
        for target in link_targets(&text) {
            assert!(folder.join(target).exists(), "{document} links to {target}");
        }
    }
    assert!(named >= 30, "only {named} paths were found");
}

#[test]
fn the_map_names_every_module_and_every_migration() {
    let architecture = read("ARCHITECTURE.md");
    let map: BTreeSet<_> = code_spans(section(&architecture, "## Map")).collect();
    for name in names_in("supabase/migrations") {
        let concern = name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let concern = concern.trim_end_matches(".sql");
        assert!(map.contains(concern), "the map lacks {concern}");
    }
    for name in names_in("src") {
        let end = if name.ends_with(".rs") { "" } else { "/" };
        let path = format!("src/{name}{end}");
        assert!(
            path == "src/lib.rs" || map.contains(&*path),
            "the map lacks {path}"
        );
    }
}

#[test]
fn the_way_of_one_job_leads_through_functions_that_exist() {
    let architecture = read("ARCHITECTURE.md");
    let way = section(&architecture, "## The way of one job");
    let hops: Vec<_> = way.lines().filter_map(hop).collect();
    assert!((1..=MOST_HOPS).contains(&hops.len()), "{hops:?}");
    for (function, path) in hops {
        assert!(defines(&read(path), function), "{path} has no {function}");
    }
}

#[test]
fn every_variable_that_the_worker_reads_is_among_the_settings() {
    let settings = read("supabase/settings.md");
    let settings: BTreeSet<_> = code_spans(&settings).collect();
    for file in ["src/config/mod.rs", "src/config/grok.rs"] {
        let source = read(file);
        let texts = source.split('"').skip(1).step_by(2);
        let prefixes = ["SUPABASE_", "QUEUE_", "GROK_"];
        for name in texts.filter(|text| prefixes.iter().any(|prefix| text.starts_with(prefix))) {
            let name = name.split([' ', ':']).next().unwrap_or(name);
            assert!(settings.contains(name), "supabase/settings.md lacks {name}");
        }
    }
}

#[test]
fn a_function_is_found_where_it_is_defined_and_not_where_it_is_called() {
    for (source, function) in [
        ("pub async fn run<H>(", "run"),
        ("create function public.enqueue_job(", "enqueue_job"),
        ("create function job_queue.wake_worker()", "wake_worker"),
        ("export function serve(", "serve"),
    ] {
        assert!(defines(source, function), "{source}");
    }
    assert!(!defines("create function enqueue_jobs(", "enqueue_job"));
    assert!(!defines("worker::run(", "run"));
}

/// The names of the files and folders in a folder.
fn names_in(folder: &str) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(root().join(folder)).expect("a readable folder");
    let names = entries.map(|entry| entry.expect("a readable entry").file_name());
    names.map(|name| name.into_string().expect("a name in UTF-8"))
}

/// The function and the file of a line such as ``1. `name` in `path` does something``.
fn hop(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.split_once(". `")?;
    number.parse::<usize>().ok()?;
    let (function, rest) = rest.split_once("` in `")?;
    Some((function, rest.split_once('`')?.0))
}

fn defines(source: &str, function: &str) -> bool {
    let keywords = [
        "fn ",
        "function ",
        "function public.",
        "function job_queue.",
    ];
    let mut heads = keywords
        .iter()
        .flat_map(|keyword| ["(", "<"].map(|end| format!("{keyword}{function}{end}")));
    heads.any(|head| source.contains(&head))
}

fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) = document.split_once(heading).expect("the heading is there");
    rest.split("\n## ").next().unwrap_or(rest)
}

/// What stands in single backquotes; blocks of code are left out.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    let outside_blocks = text.split("```").step_by(2);
    outside_blocks.flat_map(|text| text.split('`').skip(1).step_by(2))
}

fn is_source_path(span: &str) -> bool {
    let folders = ["src/", "supabase/", "pkg-template/", "tests/", "xtask/"];
    let is_placeholder = span.contains([' ', '<', '*', '…', '[']);
    folders.iter().any(|folder| span.starts_with(folder)) && !is_placeholder
}

/// Files of this checkout that a document links to.
fn link_targets(text: &str) -> impl Iterator<Item = &str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    let files = targets.map(|(target, _)| target.split('#').next().unwrap_or(target));
    files.filter(|target| !target.is_empty() && !target.contains("://"))
}
