//! Text from outside, shortened for error messages and log lines.

use std::error::Error;
use std::fmt::{self, Write};

use super::contain::{causes_of, contain};

/// How many characters of a value from outside an error message repeats.
const MAX_SHOWN: usize = 40;

/// The longest line that an error is shown as, in bytes.
const MAX_LINE: usize = 4096;

/// The beginning of a value, so that a message stays one line whatever was sent.
pub(crate) fn shortened(text: &str) -> String {
    cut(text, MAX_SHOWN).map_or_else(|| text.to_owned(), |beginning| format!("{beginning}…"))
}

/// The first `max` characters; `None` when there are no more than that.
pub(crate) fn cut(text: &str, max: usize) -> Option<&str> {
    text.char_indices().nth(max).map(|(end, _)| &text[..end])
}

/// An error with its causes, on one line of at most [`MAX_LINE`] bytes. The error may be of a receiver's own type: its
/// `Display` may panic or never stop writing, and its causes may never end.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut line = Line::default();
    let written = contain(|| {
        for (place, error) in causes_of(error).enumerate() {
            let separator = if place == 0 { "" } else { ": " };
            if write!(line, "{separator}{error}").is_err() {
                return;
            }
        }
    });
    match written {
        Ok(()) => line.0,
        Err(_) => String::from("(its `Display` panics)"),
    }
}

/// A text that refuses more than [`MAX_LINE`] bytes.
#[derive(Default)]
struct Line(String);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_LINE - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

/// The name that is most similar to what was written, if one is similar enough to be meant.
pub(crate) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nearest_names(written, names, 1).pop()
}

/// The names that are similar enough to be meant, the most similar first, at most that many. A path with the same last part is
/// similar, whatever comes before: a function that was moved.
pub(crate) fn nearest_names<'a>(written: &str, names: impl Iterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    const MIN_SIMILARITY: f64 = 0.6;
    let last = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
    let similarity = |name: &str| {
        let of_all = strsim::normalized_levenshtein(written, name);
        if last(name) == last(written) { of_all.max(MIN_SIMILARITY) } else { of_all }
    };
    let mut similar: Vec<_> = names.map(|name| (similarity(name), name)).collect();
    similar.retain(|&(similarity, _)| similarity >= MIN_SIMILARITY);
    similar.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    similar.into_iter().take(most).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes until the writer refuses.
    #[derive(Debug)]
    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("ñ")?;
            }
        }
    }

    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the order can't be shipped")]
    struct Outer(#[source] std::num::ParseIntError);

    #[derive(Debug)]
    struct PanicsInDisplay;

    impl fmt::Display for PanicsInDisplay {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words")
        }
    }

    impl Error for PanicsInDisplay {}

    #[test]
    fn an_error_is_shown_with_its_causes() {
        let error = Outer("seven".parse::<u8>().unwrap_err());
        assert_eq!(causes(&error), "the order can't be shipped: invalid digit found in string");
    }

    #[test]
    fn the_most_similar_names_come_first_and_a_moved_function_keeps_its_last_part() {
        let names = ["shop::fulfill", "shop::orders::paid::fulfil", "shop::release", "stock::count"];
        assert_eq!(nearest_names("shop::fulfil", names.into_iter(), 3), names[..2]);
        assert_eq!(nearest("shop::fulfil", names.into_iter()), Some("shop::fulfill"));
        assert_eq!(nearest("kitchen", names.into_iter()), None);
    }

    #[test]
    fn a_text_without_an_end_is_cut_and_one_that_panics_is_replaced() {
        assert_eq!(causes(&Endless).len(), MAX_LINE);
        assert_eq!(causes(&PanicsInDisplay), "(its `Display` panics)");
    }
}
