//! When a failed delivery is tried again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(5);
const GROWTH: u32 = 4;
const LONGEST: Duration = Duration::from_secs(16 * 60 * 60);

/// Exponential backoff with full jitter: a random pause between nothing and 5 s, 20 s, 80 s … 16 h.
///
/// Ten attempts take 20 hours on average, 40 at most.
#[derive(Debug)]
pub(crate) struct Retry(Mutex<fastrand::Rng>);

impl Retry {
    pub(crate) fn new(random: fastrand::Rng) -> Self {
        Self(Mutex::new(random))
    }

    /// The pause after the nth attempt, from 1.
    pub(crate) fn pause_after(&self, attempt: u32) -> Duration {
        self.between(Duration::ZERO, longest_pause_after(attempt))
    }

    /// A random time, so that processes that started together don't stay together.
    pub(crate) fn between(&self, least: Duration, most: Duration) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_micros(random.u64(micros(least)..=micros(most)))
    }
}

fn longest_pause_after(attempt: u32) -> Duration {
    FIRST.saturating_mul(GROWTH.saturating_pow(attempt.saturating_sub(1))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_fourfold_to_sixteen_hours() {
        let seconds = [1, 2, 3, 7, 8, 9, u32::MAX].map(|attempt| longest_pause_after(attempt).as_secs());
        assert_eq!(seconds, [5, 20, 80, 20_480, 57_600, 57_600, 57_600]);
    }

    #[test]
    fn a_pause_is_anything_up_to_the_longest() {
        let retry = Retry::new(fastrand::Rng::with_seed(7));
        let pauses: Vec<_> = (0..1000).map(|_| retry.pause_after(3)).collect();
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(80)));
        assert!(pauses.iter().any(|pause| *pause < Duration::from_secs(8)));
        assert!(pauses.iter().any(|pause| *pause > Duration::from_secs(72)));
    }
}
