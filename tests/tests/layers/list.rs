//! The list of layers in ARCHITECTURE.md.

/// One crate's layers, from the top one to the bottom one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layers {
    /// The folder of its sources, such as `athm-core/src`.
    pub(crate) folder: String,
    /// The modules of each layer.
    pub(crate) lines: Vec<Vec<String>>,
}

impl Layers {
    /// The index of the line that names this module; a lower layer has a higher index.
    pub(crate) fn line_of(&self, module: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.iter().any(|name| name == module))
    }
}

/// Reads the first fenced block below the heading "Layers".
///
/// A line without indentation names a folder. An indented line names the modules of one layer, separated by ` · `; two
/// blanks or more separate them from a description.
pub(crate) fn read(document: &str) -> Vec<Layers> {
    let lines = document.lines().skip_while(|line| *line != "## Layers");
    let block = lines.skip_while(|line| !line.starts_with("```")).skip(1).take_while(|line| !line.starts_with("```"));
    let mut crates: Vec<Layers> = Vec::new();
    for line in block.filter(|line| !line.trim().is_empty()) {
        let names = line.trim().split("  ").next().unwrap_or_default();
        if !line.starts_with(' ') {
            crates.push(Layers { folder: names.to_owned(), lines: Vec::new() });
        } else if let Some(layers) = crates.last_mut() {
            layers.lines.push(names.split(" · ").map(|name| name.trim_end_matches('/').to_owned()).collect());
        }
    }
    crates
}

#[test]
fn the_list_is_read_from_the_block_below_its_heading() {
    let document = "\
# Architecture
```text
ignored/src
    ignored
```
## Layers
Prose.
```text
one/src
    top/            what it does  and more
    left · right    both

two/src
    alone
```
```text
ignored/src
    ignored
```
";
    let layers = |folder: &str, lines: &[&[&str]]| Layers {
        folder: folder.to_owned(),
        lines: lines.iter().map(|line| line.iter().map(|name| (*name).to_owned()).collect()).collect(),
    };
    let expected = [layers("one/src", &[&["top"], &["left", "right"]]), layers("two/src", &[&["alone"]])];
    assert_eq!(read(document), expected);
}
