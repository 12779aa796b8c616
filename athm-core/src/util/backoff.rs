//! Pauses between attempts: exponential backoff, and the random part that spreads attempts out.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Exponential backoff: each pause is a fixed number of times as long as the one before, up to a longest one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    first: Duration,
    factor: u32,
    longest: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, factor: u32, longest: Duration) -> Self {
        Self { first, factor, longest }
    }

    /// The pause after the nth attempt, counted from 1: `first * factor^(n - 1)`, at most `longest`. With 5 s, 4 and
    /// 16 h that is 5 s, 20 s, 80 s … 16 h.
    pub(crate) fn pause_after(self, attempt: u32) -> Duration {
        let times = self.factor.saturating_pow(attempt.saturating_sub(1));
        self.first.saturating_mul(times).min(self.longest)
    }
}

/// The random part of pauses: without it, processes and deliveries that failed together would retry together.
#[derive(Debug)]
pub(crate) struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    /// Draws from a generator of its own. With a seed, pauses are the same in every run: for tests.
    pub(crate) fn seeded(seed: Option<u64>) -> Self {
        Self(Mutex::new(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)))
    }

    /// A pause between `shortest` and `longest`, each as likely as any other, in whole microseconds.
    pub(crate) fn between(&self, shortest: Duration, longest: Duration) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_micros(random.u64(micros(shortest)..=micros(longest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_the_factor_up_to_the_longest() {
        let backoff = Backoff::new(Duration::from_secs(5), 2, Duration::from_secs(600));
        let seconds = [0, 1, 2, 3, 7, 8, u32::MAX].map(|attempt| backoff.pause_after(attempt).as_secs());
        assert_eq!(seconds, [5, 5, 10, 20, 320, 600, 600]);
    }

    #[test]
    fn a_random_pause_covers_the_whole_range() {
        let (jitter, shortest, longest) = (Jitter::seeded(Some(7)), Duration::from_secs(8), Duration::from_secs(80));
        let pauses: Vec<_> = (0..1000).map(|_| jitter.between(shortest, longest)).collect();
        assert!(pauses.iter().all(|pause| (shortest..=longest).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause < Duration::from_secs(15)));
        assert!(pauses.iter().any(|pause| *pause > Duration::from_secs(72)));
    }
}
