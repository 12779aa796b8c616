//! When a failed delivery is tried again.

use std::time::Duration;

use crate::util::backoff::{Backoff, Jitter};

/// No pause is longer, unless the first one is.
const LONGEST: Duration = Duration::from_secs(16 * 60 * 60);

/// The pause after the nth attempt, from 1, of a receiver with that `backoff`: at most 5 s, 20 s, 80 s … 16 h where the first
/// is 5 s. It has full jitter: it is anything from nothing to the longest pause.
///
/// Ten attempts take 20 hours on average, 40 at most.
pub(crate) fn retry_pause(first: Duration, attempt: u32, jitter: &Jitter) -> Duration {
    jitter.between(Duration::ZERO, longest_pause(first, attempt))
}

fn longest_pause(first: Duration, attempt: u32) -> Duration {
    Backoff::new(first, 4, LONGEST.max(first)).pause_after(attempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_fourfold_to_sixteen_hours() {
        let first = Duration::from_secs(5);
        let seconds = [1, 2, 3, 7, 8, 9, u32::MAX].map(|attempt| longest_pause(first, attempt).as_secs());
        assert_eq!(seconds, [5, 20, 80, 20_480, 57_600, 57_600, 57_600]);
        let days = [1, 2, 10].map(|attempt| longest_pause(Duration::from_secs(86_400), attempt).as_secs());
        assert_eq!(days, [86_400; 3]);
    }

    #[test]
    fn a_pause_is_anything_up_to_the_longest() {
        let jitter = Jitter::seeded(Some(7));
        let pauses: Vec<_> = (0..1000).map(|_| retry_pause(Duration::from_secs(5), 3, &jitter)).collect();
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(80)));
        assert!(pauses.iter().any(|pause| *pause < Duration::from_secs(8)));
        assert!(pauses.iter().any(|pause| *pause > Duration::from_secs(72)));
    }
}
