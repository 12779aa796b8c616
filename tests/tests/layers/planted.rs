//! The check itself, on small crates that break one rule each.

use std::fs;

use tempfile::TempDir;

use crate::check::check;
use crate::list;

const LIST: &str = "## Layers\n```text\nathm-core/src\n    top\n    left · right\n    bottom\n```\n";

/// What the check finds in a crate of these files; the other modules are there, and empty.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let root = TempDir::new().expect("a temporary folder");
    let empty = ["top.rs", "left/mod.rs", "right.rs", "bottom.rs"].map(|file| (file, ""));
    for (file, text) in empty.iter().chain([&("lib.rs", "pub use self::bottom::Amount;")]).chain(files) {
        let path = root.path().join("athm-core/src").join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    list::read(LIST).iter().flat_map(|layers| check(root.path(), layers)).collect()
}

#[test]
fn a_use_of_a_lower_layer_and_of_the_own_module_passes() {
    let files = [
        ("left/mod.rs", "mod rows;\nuse self::rows::Row;\nuse crate::bottom::Amount;"),
        ("left/rows.rs", "use super::super::bottom;\nuse crate::left::Other;\nuse super::Another;"),
        ("top.rs", "use crate::{bottom::Amount, left, right::Thing};\nuse std::fmt;\nuse other::crate_name::top;"),
    ];
    assert_eq!(findings(&files), Vec::<String>::new());
}

#[test]
fn a_use_of_a_higher_layer_fails() {
    let files = [("bottom.rs", "use std::fmt;\n\nuse crate::left::Row;")];
    assert_eq!(
        findings(&files),
        ["athm-core/src/bottom.rs:3: bottom uses left, which isn't below it (`crate::left::Row`)"]
    );
}

#[test]
fn a_use_of_a_peer_fails() {
    let files = [("left/rows.rs", "fn f() {\n    super::super::right::run()\n}")];
    let expected = ["athm-core/src/left/rows.rs:2: left uses right, which isn't below it (`crate::right::run`)"];
    assert_eq!(findings(&files), expected);
}

#[test]
fn test_code_is_held_to_the_same_rule() {
    let files = [("bottom.rs", "#[cfg(test)]\nmod tests {\n    use crate::top::Athm;\n}")];
    let expected = ["athm-core/src/bottom.rs:3: bottom uses top, which isn't below it (`crate::top::Athm`)"];
    assert_eq!(findings(&files), expected);
}

#[test]
fn a_module_that_is_not_listed_fails() {
    let files = [("other/mod.rs", "")];
    assert_eq!(findings(&files), ["athm-core/src/other/mod.rs:1: ARCHITECTURE.md lists no module other"]);
}

#[test]
fn a_listed_module_that_does_not_exist_fails() {
    let list = LIST.replace("bottom", "bottom · deepest");
    let root = TempDir::new().expect("a temporary folder");
    let folder = root.path().join("athm-core/src");
    fs::create_dir_all(&folder).expect("a folder can be made");
    for file in ["top.rs", "left.rs", "right.rs", "bottom.rs"] {
        fs::write(folder.join(file), "").expect("a file can be written");
    }
    let found: Vec<_> = list::read(&list).iter().flat_map(|layers| check(root.path(), layers)).collect();
    assert_eq!(found, ["ARCHITECTURE.md: athm-core/src has no module deepest"]);
}

#[test]
fn a_root_re_export_fails() {
    let files = [("top.rs", "use crate::Amount;\nfn f() -> athm_core::Status {}\nuse crate::*;")];
    let expected = [
        "athm-core/src/top.rs:1: `crate::Amount` is the root's name for it: name the module that owns it",
        "athm-core/src/top.rs:2: `crate::Status` is the root's name for it: name the module that owns it",
        "athm-core/src/top.rs:3: `crate::` is the root's name for it: name the module that owns it",
    ];
    assert_eq!(findings(&files), expected);
}

#[test]
fn an_exported_macro_belongs_to_the_module_that_defines_it() {
    let defined = "#[macro_export] macro_rules! run { () => { $crate::top::run() } }";
    let files = [("left/mod.rs", defined), ("top.rs", "fn f() { crate::run!() }")];
    assert_eq!(findings(&files), Vec::<String>::new());

    let files = [("left/mod.rs", defined), ("bottom.rs", "fn f() { crate::run!() }")];
    assert_eq!(findings(&files), ["athm-core/src/bottom.rs:1: bottom uses left, which isn't below it (`crate::run`)"]);
}
