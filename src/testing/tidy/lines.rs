//! Comments and documents are read beside code: their lines are no longer than 120 characters.

use super::exempt::{Rule, check};
use super::{Finding, files_below, read};

const MOST_CHARACTERS: usize = 120;
const FOLDERS: [&str; 6] = [
    "kernels",
    "pkg-template",
    "src",
    "supabase",
    "tests",
    "xtask",
];
const DOCUMENTS: [&str; 3] = ["ARCHITECTURE.md", "CHANGELOG.md", "README.md"];
const GENERATED: &str = "supabase/setup-job-queue.sql";

#[test]
fn no_line_of_a_comment_or_a_document_is_longer_than_120_characters() {
    let of = |folder| {
        [".md", ".rs", ".sql", ".ts", ".tsx"].map(|extension| files_below(folder, extension))
    };
    let below = FOLDERS.into_iter().flat_map(of).flatten();
    let paths = below.chain(DOCUMENTS.map(str::to_owned));
    let findings = paths.filter(|path| path != GENERATED).flat_map(|path| {
        let lines = long_lines(&path, &read(&path));
        lines
            .into_iter()
            .map(move |line| Finding::new(&path, format!("line {line} is too long")))
    });
    check(Rule::LineLength, findings.collect());
}

fn long_lines(path: &str, text: &str) -> Vec<usize> {
    let lines = text.lines().enumerate();
    let long =
        lines.filter(|(_, line)| is_text(path, line) && line.chars().count() > MOST_CHARACTERS);
    long.map(|(index, _)| index + 1).collect()
}

/// Whether people read the line as text and can wrap it. A table's row and an address alone cannot be wrapped.
fn is_text(path: &str, line: &str) -> bool {
    let line = line.trim_start();
    if path.ends_with(".md") {
        return line.contains(' ') && !line.starts_with('|');
    }
    let is_comment = ["//", "/*", "* ", "--"]
        .iter()
        .any(|mark| line.starts_with(mark));
    is_comment && !line.contains("http")
}

#[test]
fn long_lines_of_text_are_found_and_code_tables_and_addresses_are_left_alone() {
    let long = "word ".repeat(30);
    let found = |path: &str, line: String| !long_lines(path, &format!("short\n{line}")).is_empty();
    assert!(found("a.rs", format!("    /// {long}")));
    assert!(found("a.sql", format!("-- {long}")));
    assert!(found("a.ts", format!(" * {long}")));
    assert!(found("a.md", format!("- {long}")));
    assert!(!found("a.rs", format!("let text = \"{long}\";")));
    assert!(!found("a.md", format!("| {long} |")));
    assert!(!found("a.md", "x".repeat(130)));
    assert!(!found("a.md", "é ".repeat(60)));
}
