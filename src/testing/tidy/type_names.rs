//! A name means one type in the whole worker.

use std::collections::BTreeMap;

use super::Finding;
use super::exempt::{Rule, check};
use super::tree::{Tree, tree};

#[test]
fn no_two_types_have_the_same_name() {
    check(Rule::TypeNames, repeated_names(Tree::of_worker()));
}

fn repeated_names(tree: &Tree) -> Vec<Finding> {
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in tree.sources() {
        for name in &source.types {
            paths.entry(name).or_default().push(&source.path);
        }
    }
    let repeated = paths.iter().filter(|(_, paths)| paths.len() > 1);
    let findings = repeated.flat_map(|(name, paths)| {
        let message = format!("{name} is defined in {}", paths.join(" and "));
        paths
            .iter()
            .map(move |path| Finding::new(path, message.clone()))
    });
    findings.collect()
}

#[test]
fn a_name_that_is_defined_twice_is_found_in_both_places() {
    let tree = tree(
        "== src/lib.rs\nmod a; mod b;
         == src/a.rs\nstruct Claim; struct Own;
         == src/b.rs\nfn f() { enum Claim {} }",
    );
    let findings = repeated_names(&tree);
    assert_eq!(findings.len(), 2);
    assert_eq!(
        findings[0],
        Finding::new("src/a.rs", "Claim is defined in src/a.rs and src/b.rs")
    );
}
