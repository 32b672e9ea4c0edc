//! What does not keep a rule yet. An exemption that is no longer needed fails the rule's test.

use super::Finding;

/// The rules that have exemptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Circles,
    FileLength,
    Indexing,
    Layers,
    Layout,
    LineLength,
    TypeNames,
}

/// Each covers the file or folder and all below it.
const EXEMPTIONS: &[(Rule, &str)] = &[
    (Rule::Circles, "src/edge/wasm"),
    (Rule::FileLength, "supabase/migrations"),
    (Rule::Layout, "xtask/src"),
    (Rule::LineLength, "pkg-template"),
    (Rule::LineLength, "supabase"),
    (Rule::LineLength, "tests"),
];

/// Fails with every finding that is not exempt, and with every exemption without a finding.
pub(super) fn check(rule: Rule, findings: Vec<Finding>) {
    let exemptions = EXEMPTIONS.iter().filter(|(of, _)| *of == rule);
    let exemptions: Vec<&str> = exemptions.map(|(_, path)| *path).collect();
    let complaints = complaints(&exemptions, findings);
    assert!(
        complaints.is_empty(),
        "{rule:?}:\n{}",
        complaints.join("\n")
    );
}

fn complaints(exemptions: &[&str], mut findings: Vec<Finding>) -> Vec<String> {
    let unused = exemptions.iter().filter(|exempt| {
        let is_used = findings.iter().any(|finding| covers(exempt, &finding.path));
        !is_used
    });
    let unused: Vec<String> = unused
        .map(|exempt| format!("{exempt}: needs no exemption any more"))
        .collect();
    findings.retain(|finding| {
        !exemptions
            .iter()
            .any(|exempt| covers(exempt, &finding.path))
    });
    findings.sort();
    let found = findings
        .into_iter()
        .map(|Finding { path, message }| format!("{path}: {message}"));
    unused.into_iter().chain(found).collect()
}

fn covers(exempt: &str, path: &str) -> bool {
    let below = path.strip_prefix(exempt);
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

#[test]
fn an_exemption_covers_what_is_below_it_and_is_needed() {
    let found = |path: &str| Finding::new(path, "breaks it");
    let found = vec![found("src/a/b.rs"), found("src/ab.rs")];
    assert_eq!(
        complaints(&["src/a", "src/c"], found),
        ["src/c: needs no exemption any more", "src/ab.rs: breaks it"]
    );
    assert!(complaints(&["src/a"], vec![Finding::new("src/a", "breaks it")]).is_empty());
}
