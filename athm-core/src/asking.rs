//! Asking the provider on behalf of messages: once for many, and not without end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use crate::provider::{Client, ProviderError};
use crate::store::PaymentKey;
use crate::{Clock, EcommerceId, Transaction};

/// The provider's word, for as many as wait for it.
pub(crate) type Word = Result<Transaction, Arc<ProviderError>>;

/// Whose payment it is that somebody asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// We opened it.
    Ours,
    /// Anybody may have made it up.
    Strangers,
}

/// The client, shared by all messages.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) client: Client,
    under_way: Arc<Mutex<HashMap<String, Shared<BoxFuture<'static, Word>>>>>,
    budget: Arc<Mutex<Budget>>,
    clock: Clock,
}

impl Asking {
    pub(crate) fn new(client: Client, clock: Clock, per_second: u32, burst: u32) -> Self {
        let budget = Budget::new(per_second, burst, clock.steady());
        Self { client, under_way: Arc::default(), budget: Arc::new(Mutex::new(budget)), clock }
    }

    /// The provider's word on a payment: by its ticket where that is known, by a search for its reference else. Those
    /// who ask while the same question is under way get its answer. `None` when too much is asked about strangers.
    pub(crate) async fn ask(&self, key: &PaymentKey, ticket: Option<EcommerceId>, whose: Whose) -> Option<Word> {
        let name = key.to_string();
        let question = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&name) {
                Some(question) => question.clone(),
                None if whose == Whose::Strangers && !self.may_ask() => return None,
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

    fn may_ask(&self) -> bool {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(self.clock.steady())
    }

    fn question(&self, key: PaymentKey, ticket: Option<EcommerceId>) -> BoxFuture<'static, Word> {
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

/// So many a second, and so many at once after a quiet time.
#[derive(Debug)]
pub(crate) struct Budget {
    per_second: u32,
    burst: u32,
    left: f64,
    at: Timestamp,
}

impl Budget {
    pub(crate) fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        Self { per_second, burst, left: f64::from(burst), at: now }
    }

    /// Whether one more may be asked now; it counts if so.
    #[expect(clippy::float_arithmetic, reason = "parts of a question, not of a dollar")]
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.at = now;
        self.left = (self.left + passed * f64::from(self.per_second)).min(f64::from(self.burst));
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
    use crate::clock::later;

    #[test]
    fn a_burst_is_followed_by_so_many_a_second() {
        let start = Timestamp::UNIX_EPOCH;
        let mut budget = Budget::new(5, 20, start);
        let mut within = |millis: u64, wanted: usize| {
            let now = later(start, Duration::from_millis(millis));
            (0..wanted).filter(|_| budget.take(now)).count()
        };
        assert_eq!(within(0, 100), 20);
        assert_eq!(within(100, 100), 0);
        assert_eq!(within(1000, 100), 5);
        assert_eq!(within(60_000, 100), 20);
    }
}
