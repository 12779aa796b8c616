//! ProviderLookup the provider on behalf of messages: once for many, and not without end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use crate::models::{EcommerceId, PaymentKey, Transaction};
use crate::provider::{Client, ProviderError};
use crate::util::clock::Clock;
use crate::util::rate_limit::TokenBucket;

/// The provider's word, for as many as wait for it.
pub(crate) type LookupResult = Result<Transaction, Arc<ProviderError>>;

/// How often the provider is asked because of messages about one payment of ours: so many times a second, and so many at
/// once. Its buyer knows its id, and may post as often as they like.
const PER_PAYMENT_LIMIT: (u32, u32) = (1, 20);
/// From so many payments on, those that nobody has asked about lately are forgotten.
const MAX_IDLE_BUCKETS: usize = 1024;

/// RateLimitClass payment it is that somebody asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateLimitClass {
    /// We opened it, or the provider has told us of it, and we ask in our own time.
    Ours,
    /// The same, because of a message that has just come.
    OursOnDemand,
    /// Anybody may have made it up.
    Strangers,
    /// The same, of a message that has waited: those that have just come don't take its turn.
    StrangersInTurn,
}

/// The client, shared by all messages.
#[derive(Debug, Clone)]
pub(crate) struct ProviderLookup {
    pub(crate) client: Client,
    under_way: Arc<Mutex<HashMap<String, Shared<BoxFuture<'static, LookupResult>>>>>,
    limiter: Arc<Mutex<RateLimiter>>,
    clock: Clock,
}

impl ProviderLookup {
    pub(crate) fn new(client: Client, clock: Clock, per_second: u32, burst: u32) -> Self {
        let limiter = RateLimiter::new(per_second, burst, clock.steady());
        Self { client, under_way: Arc::default(), limiter: Arc::new(Mutex::new(limiter)), clock }
    }

    /// The provider's word on a payment: by its ticket where that is known, by a search for its reference else. Those
    /// who ask while the same question is under way get its answer. `None` when too much is asked.
    pub(crate) async fn ask(
        &self,
        key: &PaymentKey,
        ticket: Option<EcommerceId>,
        rate_limit_class: RateLimitClass,
    ) -> Option<LookupResult> {
        let name = key.to_string();
        let question = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&name) {
                Some(question) => question.clone(),
                None if !self.may_ask(&name, rate_limit_class) => return None,
                None => {
                    let question = self.question(key.clone(), ticket).shared();
                    under_way.insert(name.clone(), question.clone());
                    question
                }
            }
        };
        let answer = question.clone().await;
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.get(&name).is_some_and(|other| other.ptr_eq(&question)) {
            under_way.remove(&name);
        }
        Some(answer)
    }

    fn may_ask(&self, name: &str, rate_limit_class: RateLimitClass) -> bool {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner).take(name, rate_limit_class, self.clock.steady())
    }

    fn question(&self, key: PaymentKey, ticket: Option<EcommerceId>) -> BoxFuture<'static, LookupResult> {
        // What gets no answer waits, and is asked about again: nobody waits for a second try here.
        let client = self.client.sending_once();
        async move {
            match (key, ticket) {
                (PaymentKey::Ecommerce(id), _) | (_, Some(id)) => client.find(&id).await,
                (PaymentKey::Reference(reference), None) => client.find_by_reference(&reference).await,
            }
            .map_err(Arc::new)
        }
        .boxed()
    }
}

/// What bounds the questions that messages can bring about.
#[derive(Debug)]
struct RateLimiter {
    unknown: TokenBucket,
    unknown_retry: TokenBucket,
    /// Each payment of ours has its own.
    on_demand: HashMap<String, TokenBucket>,
    max_buckets: usize,
}

impl RateLimiter {
    fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        let bucket = || TokenBucket::new(per_second, burst, now);
        let (on_demand, max_buckets) = (HashMap::new(), MAX_IDLE_BUCKETS);
        Self { unknown: bucket(), unknown_retry: bucket(), on_demand, max_buckets }
    }

    fn take(&mut self, name: &str, rate_limit_class: RateLimitClass, now: Timestamp) -> bool {
        match rate_limit_class {
            RateLimitClass::Ours => true,
            RateLimitClass::OursOnDemand => self.on_demand(name, now).take(now),
            RateLimitClass::Strangers => self.unknown.take(now),
            RateLimitClass::StrangersInTurn => self.unknown_retry.take(now),
        }
    }

    fn on_demand(&mut self, name: &str, now: Timestamp) -> &mut TokenBucket {
        if self.on_demand.len() >= self.max_buckets {
            self.on_demand.retain(|_, bucket| !bucket.is_full(now));
            self.max_buckets = MAX_IDLE_BUCKETS.max(2 * self.on_demand.len());
        }
        self.on_demand
            .entry(name.to_owned())
            .or_insert_with(|| TokenBucket::new(PER_PAYMENT_LIMIT.0, PER_PAYMENT_LIMIT.1, now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::util::clock::later;

    #[test]
    fn whoever_asks_without_end_about_one_payment_takes_no_other_ones_turn() {
        let start = Timestamp::UNIX_EPOCH;
        let mut limiter = RateLimiter::new(5, 20, start);
        let mut taken = |name, rate_limit_class, wanted: usize| {
            (0..wanted).filter(|_| limiter.take(name, rate_limit_class, start)).count()
        };
        assert_eq!(taken("one", RateLimitClass::OursOnDemand, 100), 20);
        assert_eq!(taken("other", RateLimitClass::OursOnDemand, 1), 1);
        assert_eq!(taken("one", RateLimitClass::Ours, 100), 100);
        assert_eq!(taken("nobody's", RateLimitClass::Strangers, 100), 20);
        assert_eq!(taken("nobody's", RateLimitClass::StrangersInTurn, 100), 20);
    }

    #[test]
    fn payments_that_nobody_asks_about_any_more_are_forgotten() {
        let start = Timestamp::UNIX_EPOCH;
        let mut limiter = RateLimiter::new(5, 20, start);
        for n in 0..3 * MAX_IDLE_BUCKETS {
            limiter.take(
                &n.to_string(),
                RateLimitClass::OursOnDemand,
                later(start, Duration::from_millis(10 * n as u64)),
            );
        }
        assert!(limiter.on_demand.len() <= MAX_IDLE_BUCKETS, "{}", limiter.on_demand.len());
    }
}
