//! A rate limit: so many a second, with a burst after a quiet time.

use jiff::Timestamp;

/// So many a second, and so many at once after a quiet time.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    per_second: u32,
    burst: u32,
    left: f64,
    at: Timestamp,
}

impl TokenBucket {
    pub(crate) fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        Self { per_second, burst, left: f64::from(burst), at: now }
    }

    #[expect(clippy::float_arithmetic, reason = "parts of a question, not of a dollar")]
    fn fill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.at = now;
        self.left = (self.left + passed * f64::from(self.per_second)).min(f64::from(self.burst));
    }

    pub(crate) fn is_full(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        self.left >= f64::from(self.burst)
    }

    /// Whether one more may be asked now; it counts if so.
    #[expect(clippy::float_arithmetic, reason = "parts of a question, not of a dollar")]
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::util::clock::later;

    #[test]
    fn a_burst_is_followed_by_so_many_a_second() {
        let start = Timestamp::UNIX_EPOCH;
        let mut bucket = TokenBucket::new(5, 20, start);
        let mut within = |millis: u64, wanted: usize| {
            let now = later(start, Duration::from_millis(millis));
            (0..wanted).filter(|_| bucket.take(now)).count()
        };
        assert_eq!(within(0, 100), 20);
        assert_eq!(within(100, 100), 0);
        assert_eq!(within(1000, 100), 5);
        assert_eq!(within(60_000, 100), 20);
    }
}
