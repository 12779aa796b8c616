//! The simulator's clock, and the provider's format of times.

use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Puerto Rico: UTC−4 all year.
const PUERTO_RICO: Offset = Offset::constant(-4);

/// Where the simulator takes the time from.
#[derive(Debug)]
pub(crate) enum Clock {
    /// The system's clock at start, running at its own speed, plus what was skipped.
    Own { started_at: Timestamp, instant: Instant, speed: u32, skipped: SignedDuration },
    /// A clock shared with the program under test; advancing either advances both.
    Shared(athm_core::testing::Clock),
}

impl Clock {
    /// A clock on which `speed` seconds pass in one second.
    pub(crate) fn with_speed(speed: u32) -> Self {
        Self::Own { started_at: Timestamp::now(), instant: Instant::now(), speed, skipped: SignedDuration::ZERO }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Own { started_at, instant, speed, skipped } => {
                let elapsed = instant.elapsed().saturating_mul(*speed);
                after(*started_at, elapsed).checked_add(*skipped).unwrap_or(Timestamp::MAX)
            }
            Self::Shared(clock) => clock.now(),
        }
    }

    pub(crate) fn skip(&mut self, duration: Duration) {
        match self {
            Self::Own { skipped, .. } => {
                let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
                *skipped = skipped.saturating_add(duration);
            }
            Self::Shared(clock) => clock.advance(duration),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::with_speed(1)
    }
}

/// `moment` plus `duration`, at most the last time that a timestamp can hold.
pub(crate) fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    moment.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The civil time in Puerto Rico.
pub(crate) fn local(moment: Timestamp) -> DateTime {
    PUERTO_RICO.to_datetime(moment)
}

/// The format of a find answer: `2026-03-01 18:04:59`.
pub(crate) fn written(moment: Timestamp) -> String {
    local(moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Parses both formats of the provider, `2026-03-01 18:04:59` and `2026-03-01 18:04:59.0`.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", text).ok()?;
    PUERTO_RICO.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_puerto_rico_time() {
        let moment: Timestamp = "2026-03-01T22:04:59Z".parse().unwrap();
        assert_eq!(written(moment), "2026-03-01 18:04:59");
        assert_eq!(read("2026-03-01 18:04:59"), Some(moment));
        assert_eq!(read("2026-03-01 18:04:59.0"), Some(moment));
        assert_eq!(read("01/03/2026"), None);
    }

    #[test]
    fn the_clock_stops_at_the_last_timestamp() {
        let mut clock = Clock::default();
        clock.skip(Duration::MAX);
        clock.skip(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[test]
    fn a_stopped_clock_can_be_advanced() {
        let mut clock = Clock::with_speed(0);
        let before = clock.now();
        clock.skip(Duration::from_secs(5));
        assert_eq!(clock.now().duration_since(before).as_secs(), 5);
    }

    #[test]
    fn a_shared_clock_advances_for_both() {
        let shared = athm_core::testing::Clock::manual();
        let mut clock = Clock::Shared(shared.clone());
        clock.skip(Duration::from_secs(5));
        assert_eq!(clock.now(), shared.now());
        let before = shared.now();
        shared.advance(Duration::from_secs(5));
        assert_eq!(clock.now().duration_since(before).as_secs(), 5);
    }
}
