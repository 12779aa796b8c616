//! The page of the attribute describes every option and every sender of athm's own.

use crate::text;

#[test]
fn the_page_of_the_attribute_describes_every_option() {
    let (page, words) = (text("athm-macros/src/receiver.md"), text("athm-macros/src/words.rs"));
    let constants = words.lines().filter_map(|line| line.strip_prefix("pub(crate) const ")?.split_once(": &str = \""));
    let options: Vec<_> = constants.map(|(_, rest)| rest.trim_end_matches("\";")).collect();
    assert!(options.len() >= 7, "{options:?}");
    for option in options {
        let (row, name) = (format!("\n| `{option}` |"), format!("`{option}`"));
        let is_heading = |line: &str| line.starts_with("## ") && line.contains(&name);
        assert!(page.contains(&row) && page.lines().any(is_heading), "{option}");
    }
}

#[test]
fn the_page_of_the_attribute_lists_every_sender_and_the_macro_knows_each() {
    let (page, words) = (text("athm-macros/src/receiver.md"), text("athm-macros/src/words.rs"));
    let known = words.split("const SENDERS").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the list");
    let model = text("athm-core/src/models/sender.rs");
    let constants = model.lines().filter_map(|line| {
        let (constant, rest) = line.trim().strip_prefix("pub const ")?.split_once(": Self = Self::from_static(\"")?;
        Some((constant, rest.trim_end_matches("\");")))
    });
    let senders: Vec<_> = constants.collect();
    assert!(senders.len() >= 9, "{senders:?}");
    for (constant, name) in senders {
        assert!(page.contains(&format!("| `Sender::{constant}` | `\"{name}\"` |")), "the page: {constant}");
        assert!(known.contains(&format!("\"{name}\"")), "the macro: {name}");
    }
}
