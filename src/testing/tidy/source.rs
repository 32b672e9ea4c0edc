//! What the rules have to know of one Rust file. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The names from the crate's root to something: `["queue", "retry", "pause_ms"]`.
pub(super) type ItemPath = Vec<String>;

/// A file that is part of the worker.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// From the project's root.
    pub(super) path: String,
    /// Its name as a module; empty for `lib.rs`.
    pub(super) module: ItemPath,
    /// The modules it declares that are files of their own, and whether only tests have them.
    pub(super) children: Vec<(String, bool)>,
    /// What it names in a private `use` or by its path, of this crate.
    pub(super) imports: BTreeSet<ItemPath>,
    /// What it shows under a name of its own with a public `use`.
    pub(super) reexports: BTreeMap<String, ItemPath>,
    /// Every name its code holds, apart from `use` declarations.
    pub(super) identifiers: BTreeSet<String>,
    /// The structs, enums, traits and aliases it defines, wherever in it.
    pub(super) types: Vec<String>,
    /// The lines with an index that is written out: `["…"]` or `[0]`.
    pub(super) literal_indexes: Vec<usize>,
}

impl Source {
    pub(super) fn parse(path: &str, module: ItemPath, text: &str) -> Self {
        let file = syn::parse_file(text).expect("a Rust file");
        let mut reader = Reader {
            here: module.clone(),
            source: Self {
                path: path.into(),
                module,
                ..Self::default()
            },
        };
        reader.read_children(&file.items);
        reader.visit_file(&file);
        reader.source
    }
}

struct Reader {
    /// The module the reader is in, inline ones included.
    here: ItemPath,
    source: Source,
}

impl Reader {
    fn read_children(&mut self, items: &[syn::Item]) {
        let files = items.iter().filter_map(|item| match item {
            syn::Item::Mod(module) if module.content.is_none() => Some(module),
            _ => None,
        });
        let children = files.map(|module| (module.ident.to_string(), is_test(&module.attrs)));
        self.source.children = children.collect();
    }

    /// From the crate's root; `None` for what is not of this crate.
    fn resolved(&self, names: &[String]) -> Option<ItemPath> {
        let first = names.first()?;
        let mut path = match first.as_str() {
            "crate" => ItemPath::new(),
            "self" | "super" => self.here.clone(),
            child if self.declares(child) => self.source.module.clone(),
            _ => return None,
        };
        for name in names {
            match name.as_str() {
                "crate" | "self" => {}
                "super" => drop(path.pop()),
                name => path.push(name.into()),
            }
        }
        Some(path)
    }

    fn declares(&self, module: &str) -> bool {
        self.source.children.iter().any(|(name, _)| name == module)
    }

    fn read_path(&mut self, names: &[String]) {
        // A name alone is this file's own, or came in with a `use`.
        if names.len() > 1
            && let Some(path) = self.resolved(names)
        {
            self.source.imports.insert(path);
        }
    }

    fn read_use(&mut self, item: &syn::ItemUse) {
        let is_private = matches!(item.vis, syn::Visibility::Inherited);
        for (names, shown_as) in leaves(&item.tree) {
            match self.resolved(&names) {
                Some(path) if is_private => {
                    self.source.imports.insert(path);
                }
                Some(path) => {
                    self.source.reexports.insert(shown_as, path);
                }
                None => {}
            }
        }
    }

    /// Macros are not parsed: paths and indexes are found by their tokens.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut can_be_indexed = false;
        for token in tokens {
            if !matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':') {
                if !(colons == 2 && matches!(token, TokenTree::Ident(_))) {
                    self.read_path(&std::mem::take(&mut path));
                }
                colons = 0;
            }
            match &token {
                TokenTree::Ident(name) => {
                    path.push(name.to_string());
                    self.source.identifiers.insert(name.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    if can_be_indexed && is_literal_index(group) {
                        self.source.literal_indexes.push(line(group.span_open()));
                    }
                    self.read_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            can_be_indexed = matches!(&token, TokenTree::Ident(name) if name != "in")
                || matches!(&token, TokenTree::Group(group) if group.delimiter() != Delimiter::Brace);
        }
        self.read_path(&path);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            return;
        }
        let named = match item {
            syn::Item::Struct(item) => Some(&item.ident),
            syn::Item::Enum(item) => Some(&item.ident),
            syn::Item::Union(item) => Some(&item.ident),
            syn::Item::Trait(item) => Some(&item.ident),
            syn::Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        self.source.types.extend(named.map(ToString::to_string));
        match item {
            syn::Item::Use(item) => self.read_use(item),
            syn::Item::Mod(module) if module.content.is_none() => {}
            syn::Item::Mod(module) => {
                self.here.push(module.ident.to_string());
                visit::visit_item(self, item);
                self.here.pop();
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let is_for_tests = matches!(item, syn::ImplItem::Fn(function) if is_test(&function.attrs));
        if !is_for_tests {
            visit::visit_impl_item(self, item);
        }
    }

    /// Documentation is an attribute too, and what only tests derive.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    /// `pub(in crate::…)` names who may import, and imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter();
        let names: Vec<String> = names.map(|segment| segment.ident.to_string()).collect();
        self.read_path(&names);
        visit::visit_path(self, path);
    }

    fn visit_ident(&mut self, name: &'ast proc_macro2::Ident) {
        self.source.identifiers.insert(name.to_string());
    }

    fn visit_expr_index(&mut self, index: &'ast syn::ExprIndex) {
        if matches!(*index.index, syn::Expr::Lit(_)) {
            self.source
                .literal_indexes
                .push(line(index.bracket_token.span.open()));
        }
        visit::visit_expr_index(self, index);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        self.visit_path(&of.path);
        self.read_tokens(of.tokens.clone());
    }
}

/// Every name a `use` brings in: its path, and what it is called here.
fn leaves(tree: &syn::UseTree) -> Vec<(ItemPath, String)> {
    let within = |name: &syn::Ident, (mut path, shown_as): (ItemPath, String)| {
        path.insert(0, name.to_string());
        (path, shown_as)
    };
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree)
            .into_iter()
            .map(|leaf| within(&path.ident, leaf))
            .collect(),
        syn::UseTree::Name(name) if name.ident == "self" => vec![(Vec::new(), String::new())],
        syn::UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        syn::UseTree::Rename(name) => vec![(vec![name.ident.to_string()], name.rename.to_string())],
        syn::UseTree::Glob(_) => vec![(Vec::new(), "*".into())],
        syn::UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]` or `#[test]`.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg_test = attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"));
        is_cfg_test || attribute.path().is_ident("test")
    })
}

fn is_literal_index(group: &proc_macro2::Group) -> bool {
    let mut tokens = group.stream().into_iter();
    let is_literal = matches!(tokens.next(), Some(TokenTree::Literal(_)));
    group.delimiter() == Delimiter::Bracket && is_literal && tokens.next().is_none()
}

fn line(span: proc_macro2::Span) -> usize {
    span.start().line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse("src/queue/mod.rs", vec!["queue".into()], text)
    }

    fn imports(text: &str) -> Vec<String> {
        let imports = source(text).imports.into_iter();
        imports.map(|path| path.join("::")).collect()
    }

    #[test]
    fn imports_are_found_in_uses_and_paths_and_macros() {
        assert_eq!(
            imports("use crate::{host::{self, Host}, job as work}; use std::fmt;"),
            ["host", "host::Host", "job"]
        );
        assert_eq!(
            imports("fn f() { super::log::x(crate::error::Y::Z); }"),
            ["error::Y::Z", "log::x"]
        );
        assert_eq!(
            imports("mod wire; fn f() { wire::encode(); other::g(); }"),
            ["queue::wire::encode"]
        );
        assert_eq!(imports("fn f() { vec![a, crate::log::g(1)]; }"), ["log::g"]);
        assert_eq!(imports("mod a { use super::super::log::X; }"), ["log::X"]);
    }

    #[test]
    fn tests_documentation_and_visibilities_are_no_imports() {
        assert!(
            imports("#[cfg(test)] use crate::testing::x; #[cfg(test)] mod t { use crate::y::z; }")
                .is_empty()
        );
        assert!(imports("/// See [`crate::log::Log`].\nfn f() {}").is_empty());
        assert!(imports("pub(in crate::queue) fn f() {}").is_empty());
    }

    #[test]
    fn a_reexport_is_known_by_the_name_it_shows() {
        let source = source("pub use self::wire::{Answer as Reply, encode}; fn f() { encode(); }");
        assert_eq!(source.reexports["Reply"], ["queue", "wire", "Answer"]);
        assert!(source.imports.is_empty());
        assert!(source.identifiers.contains("encode") && !source.identifiers.contains("Reply"));
    }

    #[test]
    fn types_are_found_wherever_they_are_defined() {
        let source =
            source("struct A; fn f() { enum B {} } #[cfg(test)] struct C; pub trait D { type E; }");
        assert_eq!(source.types, ["A", "B", "D"]);
    }

    #[test]
    fn an_index_that_is_written_out_is_found_in_code_and_in_macros() {
        let lines = |text| source(text).literal_indexes;
        assert_eq!(
            lines("fn f() {\n a[\"x\"][0];\n json!({ \"k\": [\"v\"], \"l\": a[\"x\"] }) }"),
            [2, 2, 3]
        );
        assert!(lines("fn f() { a[i]; [0]; vec![\"x\"]; for x in [1] {} }").is_empty());
        assert!(lines("#[test] fn f() { a[0]; }").is_empty());
    }

    #[test]
    fn a_child_that_only_tests_have_is_told_from_others() {
        let source = source("mod wire; #[cfg(test)] mod tests; mod inline {}");
        assert_eq!(
            source.children,
            [("wire".into(), false), ("tests".into(), true)]
        );
    }
}
