//! The public names: few at the root, and each with an example.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, ImplItem, Item, UseTree, Visibility};

use crate::sources::{source, sources};

/// The public modules.
const MODULES: [&str; 14] = [
    "checkouts",
    "deliveries",
    "dispatch",
    "errors",
    "guide",
    "ids",
    "messages",
    "problems",
    "provider",
    "reconcile",
    "refunds",
    "sql",
    "testing",
    "transactions",
];
/// Crates that stand in signatures.
const CRATES: [&str; 2] = ["jiff", "secrecy"];
/// What a program calls every day.
const DAILY: [&str; 16] = [
    "receive",
    "verify",
    "record",
    "dispatch",
    "transactions",
    "events",
    "create",
    "authorize",
    "cancel",
    "refund",
    "reconcile",
    "refunds",
    "deliveries",
    "connect_local",
    "shutdown",
    "update_phone",
];

#[test]
fn at_most_34_names_stand_flat_at_the_root() {
    for (krate, most) in [("athm-actix", 34), ("athm-core", 34)] {
        let names = exported(&format!("{krate}/src/lib.rs"));
        let flat: Vec<_> = names.iter().filter(|name| !is_module(name)).collect();
        assert!(flat.len() <= most, "{krate}: {} names: {flat:?}", flat.len());
        for needed in MODULES.iter().chain(&CRATES) {
            assert!(names.contains(*needed), "{krate} has no {needed}");
        }
    }
}

#[test]
fn athm_actix_exports_what_athm_core_exports() {
    let (actix, core) = (exported("athm-actix/src/lib.rs"), exported("athm-core/src/lib.rs"));
    let missing: Vec<_> = core.difference(&actix).collect();
    assert!(missing.is_empty(), "athm-actix doesn't export {missing:?}");
}

#[test]
fn every_public_type_has_an_example() {
    let public = public_names();
    let mut without: Vec<String> = Vec::new();
    // What the attribute expands to is public, but no user names it.
    for (path, file) in sources().into_iter().filter(|(path, _)| !path.ends_with("receiver/linked.rs")) {
        for item in &file.items {
            let Some((name, attributes)) = type_of(item).filter(|(name, _)| public.contains(name)) else { continue };
            if !has_example(attributes) {
                without.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(without.is_empty(), "{} public types without an example:\n{}", without.len(), without.join("\n"));
}

#[test]
fn every_function_of_daily_use_has_an_example() {
    let mut found = BTreeMap::new();
    for (path, file) in sources().into_iter().filter(|(path, _)| path.starts_with("athm-core/src/athm/")) {
        let blocks = file.items.iter().filter_map(|item| match item {
            Item::Impl(block) if block.trait_.is_none() => Some(block),
            _ => None,
        });
        for item in blocks.flat_map(|block| &block.items) {
            if let ImplItem::Fn(function) = item
                && matches!(function.vis, Visibility::Public(_))
            {
                found.insert(function.sig.ident.to_string(), (path.clone(), has_example(&function.attrs)));
            }
        }
    }
    let without: Vec<_> = DAILY.iter().filter(|name| !found.get(**name).is_some_and(|(_, example)| *example)).collect();
    assert!(without.is_empty(), "{without:?}");
}

/// Every name that a root or a public module re-exports.
fn public_names() -> BTreeSet<String> {
    let modules = ["dispatch", "provider", "reconcile", "testing"].map(|name| format!("athm-core/src/{name}/mod.rs"));
    let roots = ["athm-core/src/lib.rs", "athm-actix/src/lib.rs"].map(String::from);
    let mut names: BTreeSet<String> = modules.iter().chain(&roots).flat_map(|file| exported(file)).collect();
    for item in &source(&roots[0]).items {
        let Item::Mod(module) = item else { continue };
        let Some((_, items)) = module.content.as_ref().filter(|_| !is_hidden(&module.attrs)) else { continue };
        for item in items {
            if let Item::Use(item) = item {
                leaves(&item.tree, &mut names);
            }
        }
    }
    names.insert(String::from("Reconciliation"));
    names
}

/// The names that a file declares or re-exports publicly, but for those that the documentation hides.
fn exported(path: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in &source(path).items {
        match item {
            Item::Use(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => leaves(&item.tree, &mut names),
            Item::Mod(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                _ = names.insert(item.ident.to_string())
            }
            _ => {}
        }
    }
    names
}

fn leaves(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Name(name) => _ = names.insert(name.ident.to_string()),
        UseTree::Rename(rename) => _ = names.insert(rename.rename.to_string()),
        UseTree::Glob(_) => {}
    }
}

fn type_of(item: &Item) -> Option<(String, &[Attribute])> {
    match item {
        Item::Struct(item) if is_public(&item.vis) => Some((item.ident.to_string(), &item.attrs)),
        Item::Enum(item) if is_public(&item.vis) => Some((item.ident.to_string(), &item.attrs)),
        Item::Trait(item) if is_public(&item.vis) => Some((item.ident.to_string(), &item.attrs)),
        _ => None,
    }
}

fn has_example(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::NameValue(value) if value.path.is_ident("doc") => quote(&value.value).contains("```"),
        _ => false,
    })
}

fn quote(value: &syn::Expr) -> String {
    match value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => text.value(),
        _ => String::new(),
    }
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("doc") && list.tokens.to_string() == "hidden",
        _ => false,
    })
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_module(name: &str) -> bool {
    MODULES.contains(&name) || CRATES.contains(&name)
}
