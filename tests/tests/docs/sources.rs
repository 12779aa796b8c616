//! Reads the sources of the crates, and the pages of the guide.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file of athm-core and athm-actix, parsed, with its path in the repository.
pub(crate) fn sources() -> Vec<(String, syn::File)> {
    let parse = |(path, text): (String, String)| {
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        (path, file)
    };
    files(&["athm-core/src", "athm-actix/src"], "rs").into_iter().map(parse).collect()
}

/// One source file, parsed.
pub(crate) fn source(path: &str) -> syn::File {
    let text = crate::text(path);
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages of the guide, with their paths in the repository.
pub(crate) fn guide() -> Vec<(String, String)> {
    files(&["athm-core/src/guide", "athm-core/src/testing", "athm-actix/src/guide"], "md")
}

fn files(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| collect(&root.join(folder), extension, &mut paths));
    assert!(!paths.is_empty(), "{folders:?} hold no .{extension}");
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source can be read");
        (path.strip_prefix(&root).expect("below the root").display().to_string(), text)
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            collect(&path, extension, paths);
        } else if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
}
