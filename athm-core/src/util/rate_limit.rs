//! A rate limit: a number of lookups per second on average, and a burst after a quiet time.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::clock::later;

/// Above this many buckets, idle ones are evicted.
const MAX_IDLE_BUCKETS: usize = 1024;

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

    /// How many tokens there are.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the burst, rounded down"
    )]
    pub(crate) fn available(&mut self, now: Timestamp) -> u32 {
        self.fill(now);
        self.tokens.max(0.0) as u32
    }

    /// Takes tokens, also more than there are: then none is available until the bucket has filled up again.
    #[expect(clippy::float_arithmetic, reason = "parts of a token, not of a dollar")]
    pub(crate) fn spend(&mut self, tokens: u32, now: Timestamp) {
        self.fill(now);
        self.tokens -= f64::from(tokens);
    }

    /// When a token is available, if no other is taken before.
    #[expect(clippy::float_arithmetic, reason = "parts of a token, not of a dollar")]
    pub(crate) fn next_token(&mut self, now: Timestamp) -> Timestamp {
        self.fill(now);
        let missing = (1.0 - self.tokens).max(0.0);
        // A microsecond more: rounding must not wake the caller before the token is there.
        later(now, Duration::from_secs_f64(missing / f64::from(self.per_second)) + Duration::from_micros(1))
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

/// A token bucket for each key: for each payment, say, or for each address.
#[derive(Debug)]
pub(crate) struct KeyedTokenBuckets {
    limit: (u32, u32),
    buckets: HashMap<String, TokenBucket>,
    /// How many there may be before idle ones are evicted.
    max_buckets: usize,
}

impl KeyedTokenBuckets {
    /// Tokens per second, and burst.
    pub(crate) fn new(limit: (u32, u32)) -> Self {
        Self { limit, buckets: HashMap::new(), max_buckets: MAX_IDLE_BUCKETS }
    }

    /// A full bucket is as good as none, so full ones are evicted. If most are in use, the threshold grows with them: an
    /// eviction then costs constant time per lookup on average.
    pub(crate) fn of(&mut self, name: &str, now: Timestamp) -> &mut TokenBucket {
        if self.buckets.len() >= self.max_buckets {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            self.max_buckets = MAX_IDLE_BUCKETS.max(2 * self.buckets.len());
        }
        let (per_second, burst) = self.limit;
        self.buckets.entry(name.to_owned()).or_insert_with(|| TokenBucket::new(per_second, burst, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_was_overspent_is_waited_for() {
        let mut bucket = TokenBucket::new(5, 20, Timestamp::UNIX_EPOCH);
        let mut now = Timestamp::UNIX_EPOCH;
        assert_eq!((bucket.available(now), bucket.next_token(now).as_millisecond()), (20, 0));
        bucket.spend(24, now);
        assert_eq!((bucket.available(now), bucket.next_token(now).as_millisecond()), (0, 1000));
        now = bucket.next_token(now);
        assert_eq!(bucket.available(now), 1);
    }

    #[test]
    fn idle_buckets_are_evicted() {
        let start = Timestamp::UNIX_EPOCH;
        let mut buckets = KeyedTokenBuckets::new((1, 20));
        for n in 0..3 * MAX_IDLE_BUCKETS {
            let now = later(start, Duration::from_millis(10 * n as u64));
            buckets.of(&n.to_string(), now).take(now);
        }
        assert!(buckets.buckets.len() <= MAX_IDLE_BUCKETS, "{}", buckets.buckets.len());
    }
}
