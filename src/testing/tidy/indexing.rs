//! What comes from outside has any shape, and an index that is written out panics on most of them: one of a map on a
//! missing key, one of a slice beyond its end, one of JSON that is to be changed on both. `get`, `pointer` and patterns
//! answer instead.

use super::Finding;
use super::exempt::{Rule, check};
use super::tree::{Tree, tree};

#[test]
fn nothing_is_indexed_by_a_literal() {
    check(Rule::Indexing, literal_indexes(Tree::of_worker()));
}

fn literal_indexes(tree: &Tree) -> Vec<Finding> {
    let findings = tree.sources().flat_map(|source| {
        let lines = source.literal_indexes.iter();
        lines.map(|line| {
            Finding::new(
                &source.path,
                format!("line {line} has an index that may panic"),
            )
        })
    });
    findings.collect()
}

#[test]
fn an_index_outside_tests_is_found_with_its_line() {
    let tree = tree("== src/lib.rs\nfn f() {\n event[\"choices\"][0].take() }");
    let findings = literal_indexes(&tree);
    assert_eq!(findings.len(), 2);
    assert_eq!(
        findings[0],
        Finding::new("src/lib.rs", "line 2 has an index that may panic")
    );
}
