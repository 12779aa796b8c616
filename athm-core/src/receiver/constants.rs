//! What is checked while the compiler evaluates a receiver's static: constants that `#[receiver]` was given, and parameters
//! that a signal can't give. A panic here is a compile error on the user's own tokens.

use std::fmt;
use std::time::Duration;

use crate::models::{Sender, Signal};

/// An `id = …` that is no literal.
#[track_caller]
#[must_use]
pub const fn id(id: &'static str) -> &'static str {
    assert!(!id.is_empty(), "`id` is empty\nhelp: give it a text without blanks, such as \"shop::fulfil\"");
    assert!(!has_blanks(id), "`id` has blanks in it\nhelp: give it a text without blanks, such as \"shop::fulfil\"");
    id
}

/// A `was = …` that is no literal.
#[track_caller]
#[must_use]
pub const fn was(id: &'static str) -> &'static str {
    assert!(!id.is_empty(), "`was` is empty\nhelp: give it the id that the receiver was known by before");
    assert!(!has_blanks(id), "`was` has blanks in it\nhelp: give it the id that the receiver was known by before");
    id
}

const fn has_blanks(id: &str) -> bool {
    let (bytes, mut at) = (id.as_bytes(), 0);
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            return true;
        }
        at += 1;
    }
    false
}

/// What `sender = …` names a sender by.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no sender",
    label = "expected a `Sender` or a text",
    note = "write `sender = Sender::CALLBACK`, or the name that a callback of your own gives itself"
)]
pub trait SenderName: fmt::Debug + Sync {
    /// The sender's name.
    fn name(&self) -> &str;
}

impl SenderName for Sender {
    fn name(&self) -> &str {
        self.as_str()
    }
}

impl SenderName for &'static str {
    fn name(&self) -> &str {
        self
    }
}

/// An `attempts = …` that is no literal.
#[track_caller]
#[must_use]
pub const fn attempts(attempts: u32) -> u32 {
    assert!(
        attempts >= 1 && attempts <= 100,
        "`attempts` must be a number from 1 to 100\nhelp: it is how often a delivery is tried in all"
    );
    attempts
}

/// A `concurrency = …` that is no literal.
#[track_caller]
#[must_use]
pub const fn concurrency(most: u32) -> u32 {
    assert!(
        most >= 1 && most <= 10_000,
        "`concurrency` must be a number from 1 to 10000\nhelp: it is how many of its deliveries run at once in a process"
    );
    most
}

/// A `backoff = …` that is no literal.
#[track_caller]
#[must_use]
pub const fn backoff(first: Duration) -> Duration {
    assert!(!first.is_zero(), "`backoff` is zero\nhelp: give it time; without `backoff` it has 5 s");
    first
}

/// A `timeout = …` that is no literal.
#[track_caller]
#[must_use]
pub const fn timeout(limit: Duration) -> Duration {
    assert!(!limit.is_zero(), "`timeout` is zero\nhelp: give it time; without `timeout` it has 30 s");
    limit
}

/// Refuses a parameter that one of the receiver's signals can't give.
#[track_caller]
pub(super) const fn given_by(parameter: &str, given_by: &[Signal], named: &[Signal]) {
    let mut at = 0;
    while at < named.len() {
        if !contains(given_by, named[at]) {
            let mut text = Text::new();
            text.push("`");
            text.push(named[at].as_str());
            text.push("` can't give the parameter `");
            text.push(parameter);
            text.push("`, only ");
            text.push_signals(given_by);
            text.push(" can\nhelp: let it be an `Option<…>` of this type, which is `None` where there is nothing to give,\n      or name no other signal");
            panic!("{}", text.as_str());
        }
        at += 1;
    }
}

const fn contains(signals: &[Signal], signal: Signal) -> bool {
    let mut at = 0;
    while at < signals.len() {
        if signals[at] as u8 == signal as u8 {
            return true;
        }
        at += 1;
    }
    false
}

/// A text that is put together at compile time. What doesn't fit is left out.
struct Text {
    bytes: [u8; 512],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [b' '; 512], length: 0 }
    }

    const fn push(&mut self, text: &str) {
        let (bytes, mut at) = (text.as_bytes(), 0);
        if self.length + bytes.len() > self.bytes.len() {
            return;
        }
        while at < bytes.len() {
            self.bytes[self.length + at] = bytes[at];
            at += 1;
        }
        self.length += bytes.len();
    }

    const fn push_signals(&mut self, signals: &[Signal]) {
        let mut at = 0;
        while at < signals.len() {
            self.push(if at == 0 { "`" } else { ", `" });
            self.push(signals[at].as_str());
            self.push("`");
            at += 1;
        }
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "a signal can't give this parameter",
        }
    }
}
