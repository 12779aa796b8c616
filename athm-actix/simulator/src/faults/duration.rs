//! Durations in the text forms of faults: `5s`, `500ms`.

use std::time::Duration;

use jiff::SignedDuration;

pub(super) fn format_duration(time: Duration) -> String {
    SignedDuration::try_from(time).map(|time| format!("{time:#}")).unwrap_or_default()
}

pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok()?.try_into().ok()
}
