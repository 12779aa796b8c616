//! The documentation compared with the code: names, examples, options, quoted log lines and error texts.

mod attribute;
mod names;
mod quotes;
mod sources;

use std::fs;
use std::path::PathBuf;

/// A file of the repository.
fn text(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_first_program_of_each_readme_is_the_example_hello() {
    let hello = text("athm-actix/examples/hello.rs");
    for readme in ["README.md", "README.es.md"] {
        let page = text(readme);
        let block = page.split("```rust").nth(1).and_then(|rest| rest.split_once('\n')).expect("a program").1;
        let program = block.split("```").next().expect("the end of the program");
        assert_eq!(program, hello, "{readme}");
    }
}

#[test]
fn the_programs_of_both_readmes_differ_in_their_comments_alone() {
    let [english, spanish] = ["README.md", "README.es.md"].map(|readme| {
        let page = text(readme);
        let blocks = page.split("```rust").skip(1).filter_map(|rest| rest.split("```").next());
        let code = |block: &str| {
            let lines = block.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end().to_owned());
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
        };
        blocks.map(code).collect::<Vec<_>>()
    });
    assert!(english.len() >= 4, "{} programs", english.len());
    assert_eq!(english, spanish);
}

#[test]
fn both_readmes_link_to_the_same_files() {
    let [english, spanish] = ["README.md", "README.es.md"].map(|readme| {
        let page = text(readme);
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned));
        links.filter(|link| !link.starts_with("README")).collect::<Vec<_>>()
    });
    assert_eq!(english, spanish);
}

#[test]
fn headings_of_the_guide_can_be_searched_for() {
    for (page, text) in sources::guide() {
        for heading in prose(&text).filter_map(|(_, line)| line.strip_prefix("# ")) {
            // "When" alone says nothing in a list of search results.
            assert!(heading.contains(' '), "{page}: {heading}");
        }
    }
}

#[test]
fn headings_that_the_guide_links_to_exist() {
    let guide = sources::guide();
    let page = |name: &str| guide.iter().find(|(path, _)| path.ends_with(&format!("guide/{name}.md")));
    let mut links = 0;
    for (path, text) in &guide {
        for link in text.split("](crate::guide::").skip(1) {
            let Some((name, heading)) = link.split_once(')').and_then(|(link, _)| link.split_once('#')) else {
                continue;
            };
            let (_, linked) = page(name).unwrap_or_else(|| panic!("{path}: there is no page {name}"));
            let mut headings = prose(linked).filter_map(|(_, line)| line.strip_prefix("# "));
            assert!(headings.any(|title| anchor(title) == heading), "{path}: {name} has no heading {heading}");
            links += 1;
        }
    }
    assert!(links >= 1, "no link to a heading was found");
}

/// The anchor that rustdoc gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn lines_of_the_guide_have_at_most_120_columns() {
    let pages = sources::guide().into_iter().chain([("README.md".to_owned(), text("README.md"))]);
    for (page, text) in pages {
        // A row of a table can't be broken.
        for (number, line) in prose(&text).filter(|(_, line)| !line.starts_with('|')) {
            assert!(line.chars().count() <= 120, "{page}:{number}: {line}");
        }
    }
}

/// The lines outside of fenced blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((index + 1, line))
    })
}
