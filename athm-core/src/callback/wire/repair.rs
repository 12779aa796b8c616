//! JSON that its sender has damaged, and can still be read.
//!
//! Three kinds of damage are seen: text in Latin-1 instead of UTF-8, half of a surrogate pair (a text that was cut in the
//! middle of an emoji: `\ud83d`), and control characters inside strings that should be escaped. JSON that is in order is
//! parsed at once and costs nothing more.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::{Error, Value};

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What stands in a text for a character that is lost, spelt as JSON escapes it.
const LOST: &str = "\\ufffd";

/// Parses JSON, after a repair if that is what it takes. A byte order mark in front of it is skipped.
pub(crate) fn json(bytes: &[u8]) -> Result<Value, Error> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    serde_json::from_slice(bytes).or_else(|error| {
        let text = text(bytes);
        match repaired(&text) {
            Some(repaired) => serde_json::from_str(&repaired),
            None if matches!(text, Cow::Owned(_)) => serde_json::from_str(&text),
            None => Err(error),
        }
    })
}

/// Bytes as text: UTF-8, where bytes that aren't are Latin-1. Half of a surrogate pair is U+FFFD.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    let mut rest = bytes;
    while let Some(chunk) = rest.utf8_chunks().next() {
        text.push_str(chunk.valid());
        rest = &rest[chunk.valid().len()..];
        match rest {
            // A surrogate, written as UTF-8 never is.
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] => {
                text.push(char::REPLACEMENT_CHARACTER);
                rest = after;
            }
            [byte, after @ ..] => {
                text.push(char::from(*byte));
                rest = after;
            }
            [] => {}
        }
    }
    Cow::Owned(text)
}

/// With control characters inside strings escaped, and lone surrogates replaced. `None` if there is nothing to repair.
fn repaired(json: &str) -> Option<String> {
    let mut repaired = String::new();
    // What of the text has been copied so far.
    let mut copied = 0;
    let mut is_string = false;
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let length = match byte {
            b'"' => {
                is_string = !is_string;
                1
            }
            0..=0x1f if is_string => {
                repaired.push_str(&json[copied..at]);
                // Writing to a string can't fail.
                let _ = write!(repaired, "\\u{byte:04x}");
                copied = at + 1;
                1
            }
            b'\\' if is_string => match Escape::read(&bytes[at..]) {
                Escape::Whole(length) => length,
                Escape::LoneSurrogate => {
                    repaired.push_str(&json[copied..at]);
                    repaired.push_str(LOST);
                    copied = at + Escape::UNIT;
                    Escape::UNIT
                }
            },
            _ => 1,
        };
        at += length;
    }
    (copied > 0).then(|| repaired + &json[copied..])
}

/// What begins with a backslash.
enum Escape {
    /// It can stay, and has this length in bytes.
    Whole(usize),
    LoneSurrogate,
}

impl Escape {
    /// The length of `\ud83d`.
    const UNIT: usize = 6;

    fn read(bytes: &[u8]) -> Self {
        match unit(bytes) {
            Some(0xd800..=0xdbff) => match unit(&bytes[Self::UNIT..]) {
                Some(0xdc00..=0xdfff) => Self::Whole(2 * Self::UNIT),
                _ => Self::LoneSurrogate,
            },
            Some(0xdc00..=0xdfff) => Self::LoneSurrogate,
            Some(_) => Self::Whole(Self::UNIT),
            // The backslash alone where a control character follows, which must be escaped itself.
            None if bytes.get(1).is_some_and(|byte| byte.is_ascii_graphic()) => Self::Whole(2),
            None => Self::Whole(1),
        }
    }
}

/// The code unit that `\u` and four hexadecimal digits write.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn name(bytes: &[u8]) -> String {
        let body = [b"{\"name\":\"", bytes, b"\",\"total\":1}"].concat();
        let value = json(&body).unwrap_or_else(|error| panic!("{error}: {}", body.escape_ascii()));
        assert_eq!(value["total"], 1);
        value["name"].as_str().unwrap().to_owned()
    }

    #[test]
    fn latin_1_is_read_also_beside_utf_8() {
        assert_eq!(name(b"Pi\xf1a colada"), "Piña colada");
        assert_eq!(name(b"\xc9\xcd\xd1"), "ÉÍÑ");
        assert_eq!(
            name("Café y ".as_bytes().iter().copied().chain(*b"pi\xf1a").collect::<Vec<_>>().as_slice()),
            "Café y piña"
        );
        assert_eq!(name(b"caf\xe9"), "café");
    }

    #[test]
    fn half_a_surrogate_pair_is_one_lost_character_and_a_whole_one_is_itself() {
        for (bytes, expected) in [
            (b"caf\\u00e9 \\ud83e".as_slice(), "café \u{fffd}"),
            (b"\\udd17!", "\u{fffd}!"),
            (b"\\ud83d\\ud83d\\ude00", "\u{fffd}😀"),
            (b"\\uD83E\\uDD17\\uD83E", "🤗\u{fffd}"),
            (b"\\ud83d\\n", "\u{fffd}\n"),
            (b"\\ud83d\\u0041", "\u{fffd}A"),
            (b"\\\\ud83d \\ud83d", "\\ud83d \u{fffd}"),
            (b"\\\"\\ud83d\\\"", "\"\u{fffd}\""),
            (b"\xed\xa0\xbd", "\u{fffd}"),
            (b"\xed\xb8\x80 \xf1", "\u{fffd} ñ"),
        ] {
            assert_eq!(name(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn control_characters_inside_strings_are_kept() {
        assert_eq!(name(b"two\r\nlines\tand\x0b more"), "two\r\nlines\tand\u{b} more");
        assert_eq!(name(b"nothing\x00"), "nothing\0");
        assert_eq!(name(b"\x1b[1m \\ud83d \xf1"), "\u{1b}[1m \u{fffd} ñ");
    }

    #[test]
    fn what_no_repair_mends_is_still_no_json() {
        for body in [
            b"".as_slice(),
            b"{",
            b"{\"a\":\"\\x\"}",
            b"{\"a\":\"\\u12\"}",
            b"{\"a\":\"\\ud83\"}",
            b"{\"a\":\xf1}",
            b"{\"a\":\x01}",
            b"\"\\",
            b"<html>\xf1</html>",
        ] {
            assert!(json(body).is_err(), "{}", body.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = json(&bytes);
        }

        #[test]
        fn a_text_of_any_bytes_is_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let bytes: Vec<u8> = bytes.into_iter().filter(|byte| !b"\"\\".contains(byte)).collect();
            let read = name(&bytes);
            prop_assert_eq!(read, text(&bytes).into_owned());
        }

        #[test]
        fn json_in_order_is_read_as_it_is(name in ".{0,40}") {
            let value = json!({ "name": name });
            prop_assert_eq!(json(value.to_string().as_bytes()).unwrap(), value);
        }
    }
}
