//! How many deliveries a process runs in a second.

use jiff::{SignedDuration, Timestamp};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Counts the deliveries that end, second by second. Time without any isn't counted: it says nothing about the receivers.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the second began that is being counted.
    since: Option<Timestamp>,
    ended: usize,
    /// How many ended in the second before.
    before: usize,
}

impl Pace {
    pub(super) fn ended(&mut self, at: Timestamp) {
        if self.since.is_none_or(|since| at.duration_since(since) >= SECOND) {
            self.before = self.ended;
            (self.since, self.ended) = (Some(at), 0);
        }
        self.ended += 1;
    }

    /// How many end in a second, by the last one or the present one.
    pub(super) fn per_second(&self) -> usize {
        self.before.max(self.ended)
    }

    /// Forgets what was counted: the receivers have become slower.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::util::clock::later;

    #[test]
    fn the_pace_is_that_of_the_last_second_with_deliveries() {
        let (mut pace, start) = (Pace::default(), Timestamp::UNIX_EPOCH);
        let at = |millis| later(start, Duration::from_millis(millis));
        assert_eq!(pace.per_second(), 0);
        [0, 10, 999].into_iter().for_each(|millis| pace.ended(at(millis)));
        assert_eq!(pace.per_second(), 3);
        pace.ended(at(60_000));
        assert_eq!(pace.per_second(), 3);
        [60_100, 60_200, 60_300].into_iter().for_each(|millis| pace.ended(at(millis)));
        assert_eq!(pace.per_second(), 4);
        [61_000, 62_000].into_iter().for_each(|millis| pace.ended(at(millis)));
        assert_eq!(pace.per_second(), 1);
        pace.reset();
        assert_eq!(pace.per_second(), 0);
    }
}
