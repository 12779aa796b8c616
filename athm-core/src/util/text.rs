//! Text from outside, shortened for error messages and log lines.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many characters of a value from outside an error message repeats.
const MAX_SHOWN: usize = 40;

/// The beginning of a value, so that a message stays one line whatever was sent.
pub(crate) fn shortened(text: &str) -> String {
    cut(text, MAX_SHOWN).map_or_else(|| text.to_owned(), |beginning| format!("{beginning}…"))
}

/// The first `max` characters; `None` when there are no more than that.
pub(crate) fn cut(text: &str, max: usize) -> Option<&str> {
    text.char_indices().nth(max).map(|(end, _)| &text[..end])
}

/// An error with its causes, on one line. The error may be of a receiver's own type, whose `Display` may panic.
pub(crate) fn causes(error: &dyn Error) -> String {
    let describe = || {
        let mut line = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            source = cause.source();
        }
        line
    };
    catch_unwind(AssertUnwindSafe(describe)).unwrap_or_else(|_| String::from("(its `Display` panics)"))
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
