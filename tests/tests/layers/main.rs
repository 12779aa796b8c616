//! The modules of each crate keep to the layers that ARCHITECTURE.md lists.

mod check;
mod list;
mod planted;
mod source;

use std::path::Path;

use self::check::check;

#[test]
fn a_module_uses_only_modules_below_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let document = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let crates = list::read(&document);
    let folders: Vec<_> = crates.iter().map(|layers| layers.folder.as_str()).collect();
    let expected = ["athm-core/src", "athm-actix/src", "athm-actix/simulator/src"];
    assert!(expected.iter().all(|folder| folders.contains(folder)), "{folders:?}");

    let findings: Vec<_> = crates.iter().flat_map(|layers| check(root, layers)).collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}
