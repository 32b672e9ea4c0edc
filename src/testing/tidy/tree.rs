//! The worker's files and which of them use which.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::source::{ItemPath, Source};
use super::{files_below, read};

/// All files of the worker but tests, by module.
pub(super) struct Tree(BTreeMap<ItemPath, Source>);

impl Tree {
    /// The files that `lib.rs` declares, and those that these declare.
    pub(super) fn of_worker() -> &'static Self {
        static TREE: LazyLock<Tree> = LazyLock::new(|| {
            let paths = files_below("src", ".rs");
            Tree::new(paths.iter().map(|path| (path.as_str(), read(path))))
        });
        &TREE
    }

    /// The tree of files given by their paths below `src` and their texts.
    pub(super) fn new<'a>(files: impl Iterator<Item = (&'a str, String)>) -> Self {
        let parsed = files.map(|(path, text)| {
            let module = module(path);
            (module.clone(), Source::parse(path, module, &text))
        });
        let mut tree = Self(parsed.collect());
        let reached = tree.reached();
        tree.0.retain(|module, _| reached.contains(module));
        tree
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }

    /// The other files this one uses. A re-export is a signpost: who imports a name from a parent uses the file that
    /// defines it, and the parent itself uses that file only if its own code holds the name.
    pub(super) fn used_by<'a>(&'a self, source: &'a Source) -> Vec<&'a Source> {
        let shown = source.reexports.iter();
        let named = shown.filter(|(name, _)| source.identifiers.contains(*name));
        let paths = source.imports.iter().chain(named.map(|(_, path)| path));
        let used = paths.filter_map(|path| self.file_of(path));
        let mut used: Vec<_> = used.filter(|used| used.path != source.path).collect();
        used.sort_by_key(|used| &used.path);
        used.dedup_by_key(|used| &used.path);
        used
    }

    /// The file that defines what has this path.
    fn file_of(&self, path: &[String]) -> Option<&Source> {
        let source = (0..=path.len())
            .rev()
            .find_map(|length| self.0.get(&path[..length]))?;
        let rest = &path[source.module.len()..];
        let target = rest.first().and_then(|name| source.reexports.get(name));
        match target {
            Some(target) => self.file_of(target),
            None => Some(source),
        }
    }

    fn reached(&self) -> BTreeSet<ItemPath> {
        let mut reached = BTreeSet::new();
        let mut open = vec![ItemPath::new()];
        while let Some(module) = open.pop() {
            if let Some(source) = self.0.get(&module) {
                let children = source.children.iter().filter(|(_, is_test)| !is_test);
                open.extend(
                    children.map(|(name, _)| [&module[..], std::slice::from_ref(name)].concat()),
                );
            }
            reached.insert(module);
        }
        reached
    }
}

/// `src/queue/mod.rs` is `queue`, `src/queue/wire.rs` is `queue::wire`.
fn module(path: &str) -> ItemPath {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut names: ItemPath = path.split('/').map(str::to_owned).collect();
    if names
        .last()
        .is_some_and(|name| name == "mod" || name == "lib")
    {
        names.pop();
    }
    names
}

/// A tree from a text: a line `== path` before each file.
pub(super) fn tree(files: &str) -> Tree {
    let files = files.split("== ").skip(1);
    Tree::new(
        files
            .filter_map(|file| file.split_once('\n'))
            .map(|(path, text)| (path.trim(), text.into())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used_by(tree: &Tree, path: &str) -> Vec<String> {
        let source = tree
            .sources()
            .find(|source| source.path == path)
            .expect("a file");
        let used = tree.used_by(source).into_iter();
        used.map(|used| used.path.clone()).collect()
    }

    #[test]
    fn what_is_imported_through_a_parent_is_the_file_that_defines_it() {
        let tree = tree(
            "== src/lib.rs\nmod a; mod b;
             == src/a/mod.rs\nmod x; mod y; pub use self::x::X;
             == src/a/x.rs\npub struct X;
             == src/a/y.rs\nuse super::X;
             == src/b.rs\nuse crate::a::{X, x::other}; fn f() { crate::a::g(); }",
        );
        assert_eq!(used_by(&tree, "src/a/y.rs"), ["src/a/x.rs"]);
        assert_eq!(used_by(&tree, "src/b.rs"), ["src/a/mod.rs", "src/a/x.rs"]);
        assert!(used_by(&tree, "src/a/mod.rs").is_empty());
    }

    #[test]
    fn a_parent_that_uses_what_it_reexports_uses_that_file() {
        let tree = tree(
            "== src/lib.rs\nmod a;
             == src/a/mod.rs\nmod x; pub use self::x::X; fn f(x: X) {}
             == src/a/x.rs\npub struct X;",
        );
        assert_eq!(used_by(&tree, "src/a/mod.rs"), ["src/a/x.rs"]);
    }

    #[test]
    fn tests_are_no_part_of_the_tree() {
        let tree = tree(
            "== src/lib.rs\nmod a; #[cfg(test)] mod testing;
             == src/a.rs\n#[cfg(test)] use crate::testing::X;
             == src/testing/mod.rs\nmod host;
             == src/testing/host.rs\nuse crate::a;",
        );
        let paths: Vec<_> = tree.sources().map(|source| source.path.as_str()).collect();
        assert_eq!(paths, ["src/lib.rs", "src/a.rs"]);
    }
}
