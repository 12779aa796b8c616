//! The whole suite's log is searched: nothing secret and nothing personal may ever be in it.
//!
//! Each test program calls [`watch`] before its tests begin. From then on every event and span of `tracing`, and every
//! record of `log`, from athm and from all that it is built on, is searched at every level. What tells a secret ends the
//! program at once, with the line: no test has to ask, and none can look away. It is the same whether the tests share a
//! process (`cargo test`) or have one each (`cargo nextest run`).

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The tokens of [`verifying_builder`](crate::verifying_builder), and the address that only the provider knows.
pub const TOKENS: [&str; 2] = ["the public token", "the private token"];
/// What authorizes the payment of a [`MerchantFixture`](crate::MerchantFixture); the simulator's are known by their form.
pub const AUTH_TOKEN: &str = "the auth token of the payment";
/// The last part of the webhook's address in the tests that have one.
pub const WEBHOOK_SECRET: &str = "Xk3J9-vQ2m_T7xW4zR8";
/// The names of all customers in the tests; phones and e-mail addresses are recognized by their form.
pub const NAMES: [&str; 5] = ["Inés", "Rivera", "Marisol", "Vega", "Simulated Customer"];

/// What authorizes a payment has a part of that many letters and digits; nothing else has.
const BEARER: usize = 100;

static SEARCHED: AtomicUsize = AtomicUsize::new(0);

/// Searches every line that is logged from now on, in this process.
///
/// # Panics
///
/// If a subscriber or a logger is set already.
pub fn watch() {
    tracing_subscriber::registry().with(Search).try_init().expect("no other subscriber is set");
    log::set_logger(&Search).expect("no other logger is set");
    log::set_max_level(log::LevelFilter::Trace);
}

/// How many lines were searched so far.
#[must_use]
pub fn searched() -> usize {
    SEARCHED.load(Ordering::Relaxed)
}

/// The kind of secret or personal data that a text contains, if any.
#[must_use]
pub fn find_leak(text: &str) -> Option<&'static str> {
    let contains = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if contains(&TOKENS) {
        return Some("a token");
    }
    let words = text.split(|near: char| !near.is_ascii_alphanumeric());
    if contains(&[AUTH_TOKEN]) || words.into_iter().any(|word| word.len() >= BEARER) {
        return Some("a bearer token");
    }
    if contains(&[WEBHOOK_SECRET]) {
        return Some("the webhook's secret");
    }
    if contains(&NAMES) {
        return Some("a name");
    }
    if has_phone(text) {
        return Some("a phone");
    }
    has_address(text).then_some("an e-mail address")
}

/// Ten digits from Puerto Rico, by themselves or in groups, that are no part of a longer number or name.
fn has_phone(text: &str) -> bool {
    let is_apart = |neighbour: Option<char>| neighbour.is_none_or(|near| !near.is_alphanumeric() && near != '-');
    text.char_indices().filter(|(_, character)| character.is_ascii_digit()).any(|(start, _)| {
        let (before, rest) = text.split_at(start);
        let mut digits = String::new();
        let mut end = rest.len();
        for (at, character) in rest.char_indices() {
            match character {
                _ if digits.len() == 10 => {
                    end = at;
                    break;
                }
                digit if digit.is_ascii_digit() => digits.push(digit),
                '-' | ' ' | ')' | '(' | '.' => {}
                _ => return false,
            }
        }
        let is_whole = is_apart(before.chars().next_back()) && is_apart(rest[end..].chars().next());
        is_whole && digits.len() == 10 && (digits.starts_with("787") || digits.starts_with("939"))
    })
}

fn has_address(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let domain: String = text[at + 1..].chars().take_while(|next| next.is_alphanumeric() || *next == '.').collect();
        text[..at].ends_with(char::is_alphanumeric) && domain.contains('.')
    })
}

fn search(source: &str, line: &str) {
    SEARCHED.fetch_add(1, Ordering::Relaxed);
    if let Some(what) = find_leak(line) {
        // Written past the test harness, which would swallow it.
        let _ = writeln!(io::stderr(), "\nthe log contains {what}, in {source}: {line}\n");
        process::abort();
    }
}

struct Search;

impl<S: Subscriber> Layer<S> for Search {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut line = Line::default();
        attributes.record(&mut line);
        search(attributes.metadata().target(), &line.0);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        values.record(&mut line);
        search("a span", &line.0);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        search(event.metadata().target(), &line.0);
    }
}

impl log::Log for Search {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        search(record.target(), &record.args().to_string());
    }

    fn flush(&self) {}
}

/// All that a listener could print of an event: errors with their causes, both as shown and as debugged.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, "{}={value} ", field.name());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut cause = Some(value);
        while let Some(error) = cause {
            let _ = write!(self.0, "{}={error} {error:?} ", field.name());
            cause = error.source();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use athm_core::Message;

    use super::*;

    #[test]
    fn the_name_of_every_test_customer_is_listed() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = 0;
        for (path, source) in files(&tests.join("tests")) {
            for (_, rest) in
                source.match_indices("customer_name(\"").map(|(at, found)| source.split_at(at + found.len()))
            {
                let name = rest.split('"').next().unwrap_or_default();
                assert!(find_leak(name).is_some(), "{}: NAMES lacks {name:?}", path.display());
                found += 1;
            }
        }
        for (path, body) in files(&tests.join("fixtures/callbacks")) {
            let is_form = path.extension().is_some_and(|extension| extension == "form");
            let content_type = if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
            let callback = Message::parse(content_type, body.as_bytes()).unwrap();
            if let Some(name) = callback.customer().and_then(|customer| customer.name.as_deref()) {
                assert!(find_leak(name).is_some(), "{}: NAMES lacks {name:?}", path.display());
                found += 1;
            }
        }
        assert!(found > 10, "{found}");
    }

    fn files(folder: &Path) -> Vec<(PathBuf, String)> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| {
                if path.is_dir() { files(&path) } else { vec![(path.clone(), fs::read_to_string(&path).unwrap())] }
            })
            .collect()
    }

    #[test]
    fn secret_and_personal_text_is_found_and_other_text_is_not() {
        for (text, what) in [
            ("Bearer the private token", "a token"),
            (&format!("auth_token: Some(\"{}.x\")", "eyJ0".repeat(30)), "a bearer token"),
            ("POST /athm/webhook/Xk3J9-vQ2m_T7xW4zR8", "the webhook's secret"),
            ("paid by Marisol Vega", "a name"),
            ("phone=7875550142", "a phone"),
            ("\"(787) 555-0142\"", "a phone"),
            ("939-555-0142.", "a phone"),
            ("1 7875550142 2", "a phone"),
            ("to marisol@example.net", "an e-mail address"),
        ] {
            assert_eq!(find_leak(text), Some(what), "{text}");
        }
        for text in [
            "019d7875-5501-7423-8a6b-787555014212",
            "17875550142",
            "78755501421",
            "a7875550142",
            "7875550142-9f2c64be",
            "787 is an area code",
            "9395",
            "call me @ noon",
            "postgres://127.0.0.1:5432/athm",
        ] {
            assert_eq!(find_leak(text), None, "{text}");
        }
    }
}
