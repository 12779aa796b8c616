//! Text from outside, made fit for an error message or a log line.

/// How much of a foreign value an error message repeats.
const SHOWN: usize = 40;

/// The beginning of what was found, so that a message stays a line whatever was sent.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
