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
    const MIN_SIMILARITY: f64 = 0.6;
    names
        .map(|name| (strsim::normalized_levenshtein(written, name), name))
        .filter(|&(similarity, _)| similarity >= MIN_SIMILARITY)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
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
    fn a_text_without_an_end_is_cut_and_one_that_panics_is_replaced() {
        assert_eq!(causes(&Endless).len(), MAX_LINE);
        assert_eq!(causes(&PanicsInDisplay), "(its `Display` panics)");
    }
}
