//! What one source file names: its paths within the crate, and the macros that it exports.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ItemMacro, ItemMod, ItemUse, Macro, MetaList, UseTree, Visibility};

/// A path that leads from the crate's root, such as `crate::models::Amount`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Its segments after `crate`; empty for `use crate::*`.
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// What a source file names.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) references: Vec<Reference>,
    /// The names of its `#[macro_export]` macros: a path names them at the root, wherever they are defined.
    pub(crate) exported_macros: Vec<String>,
}

/// Reads a file that is the module `module` of the crate `crate_name`.
pub(crate) fn read(text: &str, crate_name: &str, module: &[String]) -> syn::Result<Source> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader { crate_name: crate_name.to_owned(), module: module.to_vec(), source: Source::default() };
    reader.visit_file(&file);
    Ok(reader.source)
}

struct Reader {
    crate_name: String,
    module: Vec<String>,
    source: Source,
}

impl Reader {
    /// Resolves a path against the module that it is written in. A path that leads elsewhere is left out.
    fn add(&mut self, path: &[String], span: Span) {
        let Some((first, mut rest)) = path.split_first() else { return };
        if !self.begins_a_path(first) {
            return;
        }
        let mut segments = match first.as_str() {
            "self" => self.module.clone(),
            "super" => parent(&self.module),
            _ => Vec::new(),
        };
        while let Some(("super", after)) = rest.split_first().map(|(first, after)| (first.as_str(), after)) {
            segments = parent(&segments);
            rest = after;
        }
        segments.extend(rest.iter().filter(|name| *name != "self" && *name != "*").cloned());
        self.source.references.push(Reference { segments, line: span.start().line });
    }

    /// Whether a path that begins so may lead from the crate's root.
    fn begins_a_path(&self, segment: &str) -> bool {
        matches!(segment, "crate" | "self" | "super") || segment == self.crate_name
    }

    fn add_use_tree(&mut self, tree: &UseTree, path: &[String]) {
        let longer = |name: String| [path, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.add_use_tree(&path.tree, &longer(path.ident.to_string())),
            UseTree::Name(name) => self.add(&longer(name.ident.to_string()), name.ident.span()),
            UseTree::Rename(name) => self.add(&longer(name.ident.to_string()), name.ident.span()),
            UseTree::Glob(glob) => self.add(&longer("*".to_owned()), glob.star_token.spans[0]),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use_tree(tree, path)),
        }
    }

    /// Finds paths in what syn doesn't parse: the tokens of a macro.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let Some((token, after)) = rest.split_first() {
            rest = after;
            match token {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Ident(ident) if ident == "use" => {
                    let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(end) if end.as_char() == ';');
                    let end = after.iter().position(is_end).map_or(after.len(), |end| end + 1);
                    let item = std::iter::once(token).chain(&after[..end]).cloned().collect();
                    if let Ok(item) = syn::parse2::<ItemUse>(item) {
                        self.visit_item_use(&item);
                        rest = &after[end..];
                    }
                }
                TokenTree::Ident(ident) if self.begins_a_path(&ident.to_string()) => {
                    let mut path = vec![ident.to_string()];
                    while let Some(segment) = segment(rest) {
                        path.push(segment);
                        rest = &rest[3..];
                    }
                    if path.len() > 1 {
                        self.add(&path, ident.span());
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_use_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(first) = path.segments.first().filter(|_| segments.len() > 1) {
            self.add(&segments, first.ident.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        match (&item.ident, item.attrs.iter().any(is_macro_export)) {
            // What it expands to belongs to the crate that uses it, which is above all modules of this one.
            (Some(name), true) => self.source.exported_macros.push(name.to_string()),
            _ => visit::visit_item_macro(self, item),
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.visit_path(&list.path);
        self.add_tokens(list.tokens.clone());
    }

    /// `pub(crate)` and `pub(in …)` use nothing: they name a module that this one is in.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn parent(module: &[String]) -> Vec<String> {
    module[..module.len().saturating_sub(1)].to_vec()
}

fn is_macro_export(attribute: &Attribute) -> bool {
    attribute.path().is_ident("macro_export")
}

/// The name in `::name`, if the tokens begin with that.
fn segment(tokens: &[TokenTree]) -> Option<String> {
    let [TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Ident(name), ..] = tokens else { return None };
    (first.as_char() == ':' && second.as_char() == ':').then(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::read;

    /// The paths of a file that is the module `store::rows` of `athm_core`, as `line path`.
    fn paths(text: &str) -> Vec<String> {
        let source = read(text, "athm_core", &["store".to_owned(), "rows".to_owned()]).expect("it parses");
        let line = |line: usize, segments: &[String]| format!("{line} {}", segments.join("::"));
        source.references.iter().map(|reference| line(reference.line, &reference.segments)).collect()
    }

    #[test]
    fn every_leaf_of_a_use_is_resolved() {
        let text = "use crate::{models::{Amount, Status as S}, util};\nuse crate::*;\nuse super::{super::outbox, error::*};\n\
                    use self::own::Thing;\nuse std::fmt;\npub(in crate::store) use athm_core::athm::Athm;";
        let expected = [
            "1 models::Amount",
            "1 models::Status",
            "1 util",
            "2 ",
            "3 outbox",
            "3 store::error",
            "4 store::rows::own::Thing",
            "6 athm::Athm",
        ];
        assert_eq!(paths(text), expected);
    }

    #[test]
    fn paths_in_signatures_bodies_attributes_and_macros_are_resolved() {
        let text = "fn f(x: &crate::models::Amount) -> <X as crate::store::Y>::Z {\n    \
                    let _ = Vec::<super::super::models::Item>::new();\n    \
                    matches!(x, crate::provider::Code::A if ::athm_core::util::is(x))\n}\n\
                    #[serde(with = crate::util::text)]\nstruct S;\n\
                    macro_rules! local { () => { { use crate::{inbox::A, B}; $crate::worker::run() } } }";
        let expected = [
            "1 models::Amount",
            "1 store::Y::Z",
            "2 models::Item",
            "3 provider::Code::A",
            "3 util::is",
            "5 util::text",
            "7 inbox::A",
            "7 B",
            "7 worker::run",
        ];
        assert_eq!(paths(text), expected);
    }

    #[test]
    fn super_in_an_inline_module_is_the_file_itself() {
        let text = "mod tests {\n    use super::*;\n    use super::super::super::models::Amount;\n}";
        assert_eq!(paths(text), ["2 store::rows", "3 models::Amount"]);
    }

    #[test]
    fn an_exported_macro_is_named_and_its_body_left_out() {
        let text = "#[macro_export] macro_rules! register { () => { $crate::__private::run() } }";
        let source = read(text, "athm_core", &["receiver".to_owned()]).expect("it parses");
        assert_eq!(
            (source.exported_macros.as_slice(), source.references.as_slice()),
            (&["register".to_owned()][..], &[][..])
        );
    }
}
