//! No file uses itself through others.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::exempt::{Rule, check};
use super::tree::{Tree, tree};

#[test]
fn no_import_goes_round_in_a_circle() {
    check(Rule::Circles, in_circles(Tree::of_worker()));
}

fn in_circles(tree: &Tree) -> Vec<Finding> {
    let used: BTreeMap<&str, BTreeSet<&str>> = tree
        .sources()
        .map(|source| {
            let used = tree.used_by(source).into_iter();
            (
                source.path.as_str(),
                used.map(|used| used.path.as_str()).collect(),
            )
        })
        .collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> = used
        .keys()
        .map(|path| (*path, reached_from(path, &used)))
        .collect();
    let mut findings = Vec::new();
    for (path, reaches) in &reached {
        let circle = reaches
            .iter()
            .filter(|other| reached[*other].contains(path));
        let circle: Vec<&str> = circle.copied().collect();
        if !circle.is_empty() {
            findings.push(Finding::new(
                path,
                format!("is in a circle of {}", circle.join(", ")),
            ));
        }
    }
    findings
}

fn reached_from<'a>(
    path: &'a str,
    used: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![path];
    while let Some(path) = open.pop() {
        open.extend(used[path].iter().filter(|next| reached.insert(**next)));
    }
    reached
}

#[test]
fn a_circle_is_found_through_reexports_and_a_parent_that_declares_its_children_is_none() {
    let files = |y: &str| {
        format!(
            "== src/lib.rs\nmod a; mod b;
             == src/a/mod.rs\nmod x; mod y; pub use self::{{x::X, y::Y}};
             == src/a/x.rs\nuse super::Y; pub struct X;
             == src/a/y.rs\n{y} pub struct Y;
             == src/b.rs\nuse crate::a::X; pub fn f() {{}}"
        )
    };
    let paths = |y: &str| -> Vec<String> {
        let findings = in_circles(&tree(&files(y))).into_iter();
        findings.map(|finding| finding.path).collect()
    };
    assert!(paths("").is_empty());
    assert_eq!(paths("use crate::a::X;"), ["src/a/x.rs", "src/a/y.rs"]);
    assert_eq!(
        paths("fn g() { crate::b::f(); }"),
        ["src/a/x.rs", "src/a/y.rs", "src/b.rs"]
    );
}

#[test]
fn a_child_that_uses_what_its_parent_defines_is_in_a_circle_if_the_parent_uses_the_child() {
    let paths = |parent: &str| -> usize {
        let files = format!(
            "== src/lib.rs\nmod a;
             == src/a/mod.rs\nmod x; pub struct A; {parent}
             == src/a/x.rs\nuse super::A; pub fn f() {{}}"
        );
        in_circles(&tree(&files)).len()
    };
    assert_eq!(paths(""), 0);
    assert_eq!(paths("fn g() { x::f(); }"), 2);
}
