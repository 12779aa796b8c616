//! A rate limit: a number of lookups per second on average, and a burst after a quiet time.

use jiff::Timestamp;

/// A token bucket: it fills at `per_second` tokens a second up to `burst`, and each lookup takes one token.
///
/// With 5 and 20, a full bucket allows 20 lookups at once, then one every 200 ms.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    per_second: u32,
    burst: u32,
    tokens: f64,
    filled_at: Timestamp,
}

impl TokenBucket {
    pub(crate) fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        Self { per_second, burst, tokens: f64::from(burst), filled_at: now }
    }

    #[expect(clippy::float_arithmetic, reason = "parts of a token, not of a dollar")]
    fn fill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.filled_at).as_secs_f64().max(0.0);
        self.filled_at = now;
        self.tokens = (self.tokens + passed * f64::from(self.per_second)).min(f64::from(self.burst));
    }

    pub(crate) fn is_full(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        self.tokens >= f64::from(self.burst)
    }

    /// Takes a token if there is one, and returns whether it did.
    #[expect(clippy::float_arithmetic, reason = "parts of a token, not of a dollar")]
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        let has_token = self.tokens >= 1.0;
        if has_token {
            self.tokens -= 1.0;
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::util::clock::later;

    #[test]
    fn a_burst_is_followed_by_the_average_rate() {
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
