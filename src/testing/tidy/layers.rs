//! A top-level module uses those below it and none above. `lib.rs` lists them from the top to the bottom.

use super::exempt::{Rule, check};
use super::tree::{Tree, tree};
use super::{Finding, read};

#[test]
fn every_import_goes_down() {
    let layers = layers(&read("src/lib.rs"));
    check(Rule::Layers, upward_imports(Tree::of_worker(), &layers));
}

/// The modules in links at the beginning of the list entries of a module's documentation.
fn layers(text: &str) -> Vec<String> {
    let entries = text.lines().filter_map(|line| line.strip_prefix("//! - "));
    let heads = entries.filter_map(|entry| Some(entry.split_once(':')?.0));
    let names = heads.flat_map(|head| head.split(", "));
    let names = names.map(|name| name.trim_matches(['[', ']', '`']).to_owned());
    names.collect()
}

fn upward_imports(tree: &Tree, layers: &[String]) -> Vec<Finding> {
    let depth = |name: &String| layers.iter().position(|layer| layer == name);
    let mut findings = Vec::new();
    for source in tree.sources() {
        let Some(layer) = source.module.first() else {
            continue;
        };
        if depth(layer).is_none() {
            findings.push(Finding::new(
                &source.path,
                "lib.rs does not say which layer it is in",
            ));
        }
        let used = tree.used_by(source).into_iter();
        let upward = used.filter(|used| match used.module.first() {
            Some(other) => depth(other) < depth(layer),
            None => true,
        });
        findings.extend(upward.map(|used| {
            let message = format!("uses {}, which is above it", used.path);
            Finding::new(&source.path, message)
        }));
    }
    findings
}

#[test]
fn the_layers_are_read_from_the_documentation() {
    let text = "//! Words.\n//!\n//! - [`edge`], [`auth`]: who may\n//!   start: all.\n//! - `wasm`: the world.\n";
    assert_eq!(layers(text), ["edge", "auth", "wasm"]);
}

#[test]
fn an_import_of_a_layer_above_or_of_none_is_found() {
    let tree = tree(
        "== src/lib.rs\nmod top; mod bottom; mod unknown;
         == src/top.rs\nuse crate::bottom::X;
         == src/bottom.rs\nfn f() { crate::top::g(); }
         == src/unknown.rs\n",
    );
    let findings = upward_imports(&tree, &["top".into(), "bottom".into()]);
    let paths: Vec<_> = findings
        .iter()
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(paths, ["src/bottom.rs", "src/unknown.rs"]);
}
