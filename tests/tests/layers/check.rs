//! Whether the modules of a crate keep to its layers.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::list::Layers;
use crate::source::{self, Reference, Source};

/// Everything in a crate that breaks its layers, as `file:line: what`. The folder is below `root`.
pub(crate) fn check(root: &Path, layers: &Layers) -> Vec<String> {
    let modules = read_modules(root, layers);
    let mut findings = Vec::new();
    let existing: HashSet<&str> = modules.iter().map(Module::layer).collect();
    for name in layers.lines.iter().flatten().filter(|name| !existing.contains(name.as_str())) {
        findings.push(format!("ARCHITECTURE.md: {} has no module {name}", layers.folder));
    }
    let macros: HashMap<&str, &str> = modules
        .iter()
        .flat_map(|module| module.source.exported_macros.iter().map(|name| (name.as_str(), module.layer())))
        .collect();
    let mut unlisted = HashSet::new();
    for module in modules.iter().filter(|module| !module.path.is_empty()) {
        let Some(line) = layers.line_of(module.layer()) else {
            if unlisted.insert(module.layer()) {
                findings.push(format!("{}:1: ARCHITECTURE.md lists no module {}", module.file, module.layer()));
            }
            continue;
        };
        for reference in &module.source.references {
            let owner = owner(reference, &existing, &macros);
            if let Some(problem) = problem(module.layer(), line, reference, owner, layers) {
                findings.push(format!("{}:{}: {problem}", module.file, reference.line));
            }
        }
    }
    findings
}

/// A source file.
struct Module {
    /// Its path in the repository.
    file: String,
    /// Its path in the crate; empty for the root.
    path: Vec<String>,
    source: Source,
}

impl Module {
    /// The module at the crate's root that it is in.
    fn layer(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }
}

/// The module at the root that owns what a path names; `None` if that is the root itself.
fn owner<'a>(
    reference: &'a Reference,
    existing: &HashSet<&str>,
    macros: &HashMap<&'a str, &'a str>,
) -> Option<&'a str> {
    let first = reference.segments.first()?.as_str();
    if reference.segments.len() == 1
        && let Some(module) = macros.get(first)
    {
        return Some(module);
    }
    existing.contains(first).then_some(first)
}

fn problem(layer: &str, line: usize, reference: &Reference, owner: Option<&str>, layers: &Layers) -> Option<String> {
    let path = reference.segments.join("::");
    let Some(owner) = owner else {
        return Some(format!("`crate::{path}` is the root's name for it: name the module that owns it"));
    };
    // A module that the list doesn't name is reported where it is.
    let used = layers.line_of(owner).filter(|_| owner != layer)?;
    (used <= line).then(|| format!("{layer} uses {owner}, which isn't below it (`crate::{path}`)"))
}

fn read_modules(root: &Path, layers: &Layers) -> Vec<Module> {
    let folder = root.join(&layers.folder);
    let crate_name = layers.folder.trim_end_matches("/src").replace('-', "_");
    let mut files = Vec::new();
    collect_sources(&folder, &mut files);
    files.sort();
    assert!(!files.is_empty(), "{} has no sources", folder.display());
    let read = |file: &PathBuf| {
        let name = file.strip_prefix(root).expect("it is below the root").display().to_string();
        let path = module_path(file.strip_prefix(&folder).expect("it is in the folder"));
        let text = fs::read_to_string(file).expect("a source can be read");
        let source = source::read(&text, &crate_name, &path).unwrap_or_else(|error| panic!("{name}: {error}"));
        Module { file: name, path, source }
    };
    files.iter().map(read).collect()
}

/// All sources but those of programs, which are crates of their own.
fn collect_sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder of a crate's sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() && !path.ends_with("src/bin") {
            collect_sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// `store/mod.rs` and `store.rs` are `store`, `store/row.rs` is `store::row`, `lib.rs` is the root.
fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<_> =
        file.with_extension("").iter().map(|segment| segment.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] {
        path.pop();
    }
    path
}
