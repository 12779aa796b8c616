//! The simulator's clock, which can be moved on, and the provider's way of writing times.

use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Puerto Rico: four hours behind UTC, all year.
const PUERTO_RICO: Offset = Offset::constant(-4);

/// The real time when it began, from where it goes at a speed of its own, moved on by what was skipped.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Timestamp,
    beginning: Instant,
    speed: u32,
    skipped: SignedDuration,
}

impl Clock {
    /// So many seconds pass in one.
    pub(crate) fn new(speed: u32) -> Self {
        Self { began: Timestamp::now(), beginning: Instant::now(), speed, skipped: SignedDuration::ZERO }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = self.beginning.elapsed().saturating_mul(self.speed);
        after(self.began, passed).checked_add(self.skipped).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn skip(&mut self, duration: Duration) {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        self.skipped = self.skipped.saturating_add(duration);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(1)
    }
}

/// The moment that comes so much later.
pub(crate) fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    moment.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The time of day in Puerto Rico.
pub(crate) fn local(moment: Timestamp) -> DateTime {
    PUERTO_RICO.to_datetime(moment)
}

/// `2026-03-01 18:04:59`, as a find answer has it.
pub(crate) fn written(moment: Timestamp) -> String {
    local(moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Either way of the provider's to write a time, `2026-03-01 18:04:59` and `2026-03-01 18:04:59.0`.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
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

    #[test]
    fn a_clock_that_stands_still_moves_when_time_is_skipped() {
        let mut clock = Clock::new(0);
        let before = clock.now();
        clock.skip(Duration::from_secs(5));
        assert_eq!(clock.now().duration_since(before).as_secs(), 5);
    }
}
