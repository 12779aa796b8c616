//! Text from outside, made fit for an error message or a log line.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How much of a foreign value an error message repeats.
const SHOWN: usize = 40;

/// The beginning of what was found, so that a message stays a line whatever was sent.
pub(crate) fn shortened(text: &str) -> String {
    cut(text, SHOWN).map_or_else(|| text.to_owned(), |beginning| format!("{beginning}…"))
}

/// The first so many characters, when there are more.
pub(crate) fn cut(text: &str, most: usize) -> Option<&str> {
    text.char_indices().nth(most).map(|(end, _)| &text[..end])
}

/// An error with its causes, on one line. An error may be a receiver's own: even customer_message what it is may panic.
pub(crate) fn causes(error: &dyn Error) -> String {
    let said = || {
        let mut line = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            source = cause.source();
        }
        line
    };
    catch_unwind(AssertUnwindSafe(said)).unwrap_or_else(|_| String::from("(it panics when it is shown)"))
}

/// The name that is near enough to be meant.
pub(crate) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.6;
    names
        .map(|name| (strsim::normalized_levenshtein(written, name), name))
        .filter(|&(likeness, _)| likeness >= NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}
