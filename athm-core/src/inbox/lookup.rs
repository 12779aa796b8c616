//! Step 2: asking the provider about one payment, on behalf of messages.
//!
//! Lookups are shared: while one of a payment is under way, further lookups of it wait for its answer, so a hundred messages
//! about one payment cost one call.
//!
//! Lookups are limited, because any sender can post messages. Made-up ids must not use up the calls that genuine messages need,
//! so each [class](RateLimitClass) has token buckets of its own:
//!
//! | class | limit |
//! |---|---|
//! | `Known`: athm's own schedule, a payment that we know | none here |
//! | `KnownOnDemand`: a message about a payment that we know | 1 a second, burst 20, for each payment |
//! | `Unknown`: a message about any other payment | what the builder says (5 a second, burst 20), for all together |
//! | `UnknownRetry`: the same, retried | the same again, in a bucket of its own |
//! | `Refresh`: the program asks, for a page that waits | 1 a second, burst 5, for each payment; 50, burst 100, for all |

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use super::Inbox;
use crate::models::{EcommerceId, PaymentKey, Sender, Transaction};
use crate::provider::{Client, ProviderError};
use crate::util::clock::Clock;
use crate::util::rate_limit::{KeyedTokenBuckets, TokenBucket};

/// The provider's answer, shared by all who wait for it.
pub(crate) type LookupResult = Result<Transaction, Arc<ProviderError>>;

/// Lookups that messages about one known payment may cause: per second, and burst. The customer knows the payment's id, and
/// may post as often as they like.
const PER_PAYMENT_LIMIT: (u32, u32) = (1, 20);
/// Refreshes of one payment, per second and burst; and those of all payments: any number of pages may wait.
const REFRESH_LIMIT: (u32, u32) = (1, 5);
const ALL_REFRESHES_LIMIT: (u32, u32) = (50, 100);

/// Selects the rate limit of a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateLimitClass {
    /// A payment that we know (opened here, or the provider has reported it), looked up on athm's own schedule.
    Known,
    /// The same, because of a message that has just arrived.
    KnownOnDemand,
    /// A payment that the message may have made up.
    Unknown,
    /// The same, retried: new messages don't use up the limit of those that wait.
    UnknownRetry,
    /// A recorded payment that the program asks about now. A page that asks often takes nothing from the limit of messages.
    Refresh,
}

impl Inbox {
    /// A webhook at a secret address comes from the provider, so it isn't limited as a stranger's message is.
    pub(super) fn rate_limit_class(
        &self,
        recorded: Option<&Transaction>,
        sender: &Sender,
        attempts: u32,
    ) -> RateLimitClass {
        let is_trusted = is_known(recorded) || (self.has_secret_webhook && *sender == Sender::WEBHOOK);
        match (is_trusted, attempts) {
            (true, 0) => RateLimitClass::KnownOnDemand,
            (true, _) => RateLimitClass::Known,
            (false, 0) => RateLimitClass::Unknown,
            (false, _) => RateLimitClass::UnknownRetry,
        }
    }
}

/// Whether the payment is certainly not made up: we opened it, or the provider has reported it.
pub(super) fn is_known(recorded: Option<&Transaction>) -> bool {
    recorded.is_some_and(|transaction| transaction.deadline.is_some() || transaction.verified)
}

/// The provider's client with shared and rate-limited lookups.
#[derive(Debug, Clone)]
pub(crate) struct ProviderLookup {
    pub(crate) client: Client,
    in_flight: Arc<Mutex<HashMap<String, SharedLookup>>>,
    limiter: Arc<Mutex<RateLimiter>>,
    clock: Clock,
}

type SharedLookup = Shared<BoxFuture<'static, LookupResult>>;

impl ProviderLookup {
    pub(crate) fn new(client: Client, clock: Clock, per_second: u32, burst: u32) -> Self {
        let limiter = RateLimiter::new(per_second, burst, clock.steady());
        Self { client, in_flight: Arc::default(), limiter: Arc::new(Mutex::new(limiter)), clock }
    }

    /// The provider's answer about a payment: by its ecommerceId where that is known, else by a search for its reference
    /// number. `None` when the rate limit is reached.
    pub(crate) async fn look_up(
        &self,
        key: &PaymentKey,
        recorded: Option<&Transaction>,
        class: RateLimitClass,
    ) -> Option<LookupResult> {
        let name = key.to_string();
        let lookup = self.join_or_start(&name, key, recorded, class)?;
        let answer = lookup.clone().await;
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        // Another lookup of this payment may have begun since: only this one is removed.
        if in_flight.get(&name).is_some_and(|other| other.ptr_eq(&lookup)) {
            in_flight.remove(&name);
        }
        Some(answer)
    }

    /// The lookup that is under way, or a new one if the rate limit allows it.
    fn join_or_start(
        &self,
        name: &str,
        key: &PaymentKey,
        recorded: Option<&Transaction>,
        class: RateLimitClass,
    ) -> Option<SharedLookup> {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = in_flight.get(name) {
            return Some(lookup.clone());
        }
        let is_allowed =
            self.limiter.lock().unwrap_or_else(PoisonError::into_inner).take(name, class, self.clock.steady());
        if !is_allowed {
            return None;
        }
        let lookup = self.call(key.clone(), recorded.and_then(|recorded| recorded.ecommerce_id)).shared();
        in_flight.insert(name.to_owned(), lookup.clone());
        Some(lookup)
    }

    fn call(&self, key: PaymentKey, ecommerce_id: Option<EcommerceId>) -> BoxFuture<'static, LookupResult> {
        // The client doesn't retry here: a message without an answer is stored, and retried later.
        let client = self.client.sending_once();
        async move {
            match (key, ecommerce_id) {
                (PaymentKey::Ecommerce(id), _) | (_, Some(id)) => client.find(&id).await,
                (PaymentKey::Reference(reference), None) => client.find_by_reference(&reference).await,
            }
            .map_err(Arc::new)
        }
        .boxed()
    }
}

/// The token buckets of all classes.
#[derive(Debug)]
struct RateLimiter {
    unknown: TokenBucket,
    unknown_retry: TokenBucket,
    on_demand: KeyedTokenBuckets,
    refresh: KeyedTokenBuckets,
    all_refreshes: TokenBucket,
}

impl RateLimiter {
    fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        let bucket = |(per_second, burst)| TokenBucket::new(per_second, burst, now);
        Self {
            unknown: bucket((per_second, burst)),
            unknown_retry: bucket((per_second, burst)),
            on_demand: KeyedTokenBuckets::new(PER_PAYMENT_LIMIT),
            refresh: KeyedTokenBuckets::new(REFRESH_LIMIT),
            all_refreshes: bucket(ALL_REFRESHES_LIMIT),
        }
    }

    fn take(&mut self, name: &str, class: RateLimitClass, now: Timestamp) -> bool {
        match class {
            RateLimitClass::Known => true,
            RateLimitClass::KnownOnDemand => self.on_demand.of(name, now).take(now),
            RateLimitClass::Unknown => self.unknown.take(now),
            RateLimitClass::UnknownRetry => self.unknown_retry.take(now),
            // The payment's own first: one that is asked about too often uses up nothing of the others'.
            RateLimitClass::Refresh => self.refresh.of(name, now).take(now) && self.all_refreshes.take(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_of_one_payment_use_up_no_other_payments_limit() {
        let start = Timestamp::UNIX_EPOCH;
        let mut limiter = RateLimiter::new(5, 20, start);
        let mut taken = |name, class, wanted: usize| (0..wanted).filter(|_| limiter.take(name, class, start)).count();
        assert_eq!(taken("one", RateLimitClass::KnownOnDemand, 100), 20);
        assert_eq!(taken("other", RateLimitClass::KnownOnDemand, 1), 1);
        assert_eq!(taken("one", RateLimitClass::Known, 100), 100);
        assert_eq!(taken("made up", RateLimitClass::Unknown, 100), 20);
        assert_eq!(taken("made up", RateLimitClass::UnknownRetry, 100), 20);
    }

    #[test]
    fn refreshes_use_up_no_messages_limit_and_are_limited_in_all() {
        let start = Timestamp::UNIX_EPOCH;
        let mut limiter = RateLimiter::new(5, 20, start);
        let mut taken =
            |name: &str, class, wanted: usize| (0..wanted).filter(|_| limiter.take(name, class, start)).count();
        assert_eq!(taken("one", RateLimitClass::Refresh, 1000), 5);
        assert_eq!(taken("one", RateLimitClass::KnownOnDemand, 100), 20);
        let others: usize = (0..100).map(|n| taken(&n.to_string(), RateLimitClass::Refresh, 10)).sum();
        assert_eq!(others, 95);
    }
}
