//! The provider's words for states, sorts, times and phones.

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::models::{PhoneNumber, Status, TransactionKind};

/// Puerto Rico keeps UTC−4 all year.
const PUERTO_RICO: Offset = jiff::tz::offset(-4);
/// From this many digits on, an epoch is in milliseconds: as seconds it would be past the year 5000.
const MILLISECOND_DIGITS: usize = 12;
/// More characters than any word of the provider's has.
const MAX_WORD_CHARS: usize = 40;

/// `None` when nothing of the word is left that can be read.
pub(super) fn status(word: &str) -> Option<Status> {
    let word = readable(word)?;
    Some(match word.to_ascii_lowercase().as_str() {
        "open" => Status::Open,
        "confirm" | "confirmed" => Status::Confirmed,
        "completed" => Status::Completed,
        "cancel" | "cancelled" | "canceled" => Status::Cancelled,
        "expired" => Status::Expired,
        _ => Status::Unknown(word),
    })
}

/// The status as the provider's own endpoints spell it, but for `EXPIRED`, which only its messages say.
pub(super) fn provider_status(status: &Status) -> &str {
    match status {
        Status::Open => "OPEN",
        Status::Confirmed => "CONFIRM",
        Status::Completed => "COMPLETED",
        Status::Cancelled => "CANCEL",
        Status::Expired => "EXPIRED",
        Status::Unknown(word) => word,
    }
}

pub(super) fn kind(word: &str) -> Option<TransactionKind> {
    let word = readable(word)?;
    Some(match word.to_ascii_lowercase().as_str() {
        "ecommerce" => TransactionKind::Ecommerce,
        "payment" => TransactionKind::Payment,
        "donation" => TransactionKind::Donation,
        "refund" => TransactionKind::Refund,
        "simulated" => TransactionKind::Simulated,
        _ => TransactionKind::Unknown(word),
    })
}

pub(super) fn provider_kind(kind: &TransactionKind) -> &str {
    match kind {
        TransactionKind::Ecommerce => "ECOMMERCE",
        TransactionKind::Payment => "PAYMENT",
        TransactionKind::Donation => "DONATION",
        TransactionKind::Refund => "REFUND",
        TransactionKind::Simulated => "SIMULATED",
        TransactionKind::Unknown(word) => word,
    }
}

/// An unknown word is cut, because it is stored with each pending message. The cut word parses to the same value again.
fn readable(word: &str) -> Option<String> {
    let kept: String = word.chars().filter(|character| !character.is_control()).collect();
    let kept: String = kept.trim().chars().take(MAX_WORD_CHARS).collect();
    Some(kept.trim_end().to_owned()).filter(|kept| !kept.is_empty())
}

/// Whether a word says that there is nothing, as scripts write a value that is missing.
pub(super) fn is_nothing(word: &str) -> bool {
    let word = word.trim();
    ["null", "undefined", "n/a", "none"].iter().any(|nothing| word.eq_ignore_ascii_case(nothing))
}

/// `2020-01-01 12:00:00.0` in Puerto Rico, also with slashes; ISO 8601 with `Z` or an offset, which counts; or an epoch in
/// seconds or milliseconds. No payment is of a year before our era, of which there is no such spelling.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let epoch = text.parse().ok()?;
        let of = if text.len() >= MILLISECOND_DIGITS { Timestamp::from_millisecond } else { Timestamp::from_second };
        return of(epoch).ok();
    }
    let text = text.replacen('/', "-", 2);
    // `2026-03-04 15:06:07 -0400` and `2026-03-04 19:06:07 UTC`: the parser takes neither blank nor name.
    let (time, zone) = text
        .rsplit_once(' ')
        .filter(|(_, zone)| !zone.contains(':') || zone.starts_with(['+', '-']))
        .unwrap_or((&text, ""));
    let zone = if ["UTC", "GMT"].contains(&zone) { "Z" } else { zone };
    let time: Timestamp = match format!("{time}{zone}").parse() {
        Ok(time) => time,
        // A zone that can't be read isn't Puerto Rico's.
        Err(_) if has_zone(&text) => return None,
        Err(_) => PUERTO_RICO.to_timestamp(text.parse().ok()?).ok()?,
    };
    Some(time).filter(|time| PUERTO_RICO.to_datetime(*time).year() >= 0)
}

/// Whether anything but digits follows the date.
fn has_zone(date: &str) -> bool {
    const TIME: usize = "2025-05-01 ".len();
    date.bytes().skip(TIME).any(|byte| !byte.is_ascii_digit() && !b":.,".contains(&byte))
}

pub(super) fn provider_date(date: Timestamp) -> String {
    let local = PUERTO_RICO.to_datetime(date);
    local.strftime("%Y-%m-%d %H:%M:%S%.f").to_string()
}

/// The time to the second, as the report is asked.
pub(crate) fn second(date: Timestamp) -> String {
    PUERTO_RICO.to_datetime(date).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `(787) 555-0199`, the one spelling that searches take.
pub(crate) fn searched_phone(phone: &PhoneNumber) -> String {
    let digits = phone.as_str();
    format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..])
}

/// The digits of a phone, however it is written, without the country's `1`; the provider's `0` is no phone.
pub(super) fn phone_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = PhoneNumber::without_country(&digits);
    digits.bytes().any(|digit| digit != b'0').then(|| digits.to_owned())
}
