//! The simulator's clock, which can be moved on, and the provider's way of writing times.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Puerto Rico: four hours behind UTC, all year.
const PUERTO_RICO: Offset = Offset::constant(-4);

/// The real time, moved on by what was skipped.
#[derive(Debug, Default)]
pub(super) struct Clock {
    skipped: SignedDuration,
}

impl Clock {
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now().checked_add(self.skipped).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn skip(&mut self, duration: Duration) {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        self.skipped = self.skipped.saturating_add(duration);
    }
}

/// The moment that comes so much later.
pub(super) fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    moment.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The time of day in Puerto Rico.
pub(super) fn local(moment: Timestamp) -> DateTime {
    PUERTO_RICO.to_datetime(moment)
}

/// `2026-03-01 18:04:59`, as a find answer has it.
pub(super) fn written(moment: Timestamp) -> String {
    local(moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Either way of the provider's to write a time, `2026-03-01 18:04:59` and `2026-03-01 18:04:59.0`.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", text).ok()?;
    PUERTO_RICO.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_puerto_rico_has_them() {
        let moment: Timestamp = "2026-03-01T22:04:59Z".parse().unwrap();
        assert_eq!(written(moment), "2026-03-01 18:04:59");
        assert_eq!(read("2026-03-01 18:04:59"), Some(moment));
        assert_eq!(read("2026-03-01 18:04:59.0"), Some(moment));
        assert_eq!(read("01/03/2026"), None);
    }

    #[test]
    fn skipping_more_time_than_there_is_stops_at_its_end() {
        let mut clock = Clock::default();
        clock.skip(Duration::MAX);
        clock.skip(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
