//! Files are small, and there is one way to lay them out.

use std::collections::BTreeMap;

use super::exempt::{Rule, check};
use super::{Finding, files_below, read};

const MOST_LINES: usize = 400;
const FOLDERS: [&str; 6] = [
    "kernels",
    "pkg-template",
    "src",
    "supabase",
    "tests",
    "xtask",
];

#[test]
fn no_file_has_more_than_four_hundred_lines() {
    let long = sources()
        .filter(|path| !is_generated(path))
        .filter_map(|path| {
            let lines = read(&path).lines().count();
            (lines > MOST_LINES).then(|| Finding::new(&path, format!("{lines} lines")))
        });
    check(Rule::FileLength, long.collect());
}

#[test]
fn a_module_with_children_is_a_folder_and_a_folder_has_more_than_one_file() {
    let paths = [
        "kernels/documents/src",
        "kernels/images/src",
        "src",
        "xtask/src",
    ]
    .map(|folder| files_below(folder, ""));
    check(Rule::Layout, misplaced(&paths.concat()));
}

/// The code people write.
fn sources() -> impl Iterator<Item = String> {
    let of =
        |folder| [".rs", ".sql", ".ts", ".tsx"].map(|extension| files_below(folder, extension));
    FOLDERS.into_iter().flat_map(of).flatten()
}

fn is_generated(path: &str) -> bool {
    path == "supabase/setup-job-queue.sql" || read(path).starts_with("// Generated ")
}

fn misplaced(paths: &[String]) -> Vec<Finding> {
    let mut files_in: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths {
        for (end, _) in path.match_indices('/') {
            *files_in.entry(&path[..end]).or_default() += 1;
        }
    }
    let beside = paths.iter().filter(|path| {
        let folder = path.strip_suffix(".rs");
        folder.is_some_and(|folder| files_in.contains_key(folder))
    });
    let beside = beside.map(|path| Finding::new(path, "belongs into its folder as mod.rs"));
    let alone = files_in.iter().filter(|(_, files)| **files == 1);
    let alone = alone.map(|(folder, _)| Finding::new(folder, "is a folder for one file"));
    beside.chain(alone).collect()
}

#[test]
fn a_file_beside_its_folder_and_a_folder_for_one_file_are_found() {
    let paths = ["src/a.rs", "src/a/b.rs", "src/a/c.rs", "src/d/mod.rs"].map(str::to_owned);
    let findings = misplaced(&paths).into_iter();
    let paths: Vec<_> = findings.map(|finding| finding.path).collect();
    assert_eq!(paths, ["src/a.rs", "src/d"]);
}
