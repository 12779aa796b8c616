//! Asking the provider on behalf of messages: once for many, and not without end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use crate::models::{EcommerceId, PaymentKey, Transaction};
use crate::provider::{Client, ProviderError};
use crate::util::clock::Clock;
use crate::util::rate_limit::Budget;

/// The provider's word, for as many as wait for it.
pub(crate) type Word = Result<Transaction, Arc<ProviderError>>;

/// How often the provider is asked because of messages about one payment of ours: so many times a second, and so many at
/// once. Its buyer knows its id, and may post as often as they like.
const ON_DEMAND: (u32, u32) = (1, 20);
/// From so many payments on, those that nobody has asked about lately are forgotten.
const REMEMBERED: usize = 1024;

/// Whose payment it is that somebody asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
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
pub(crate) struct Asking {
    pub(crate) client: Client,
    under_way: Arc<Mutex<HashMap<String, Shared<BoxFuture<'static, Word>>>>>,
    budgets: Arc<Mutex<Budgets>>,
    clock: Clock,
}

impl Asking {
    pub(crate) fn new(client: Client, clock: Clock, per_second: u32, burst: u32) -> Self {
        let budgets = Budgets::new(per_second, burst, clock.steady());
        Self { client, under_way: Arc::default(), budgets: Arc::new(Mutex::new(budgets)), clock }
    }

    /// The provider's word on a payment: by its ticket where that is known, by a search for its reference else. Those
    /// who ask while the same question is under way get its answer. `None` when too much is asked.
    pub(crate) async fn ask(&self, key: &PaymentKey, ticket: Option<EcommerceId>, whose: Whose) -> Option<Word> {
        let name = key.to_string();
        let question = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&name) {
                Some(question) => question.clone(),
                None if !self.may_ask(&name, whose) => return None,
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

    fn may_ask(&self, name: &str, whose: Whose) -> bool {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner).take(name, whose, self.clock.steady())
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

/// What bounds the questions that messages can bring about.
#[derive(Debug)]
struct Budgets {
    strangers: Budget,
    strangers_in_turn: Budget,
    /// Each payment of ours has its own.
    on_demand: HashMap<String, Budget>,
    remembered: usize,
}

impl Budgets {
    fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        let budget = || Budget::new(per_second, burst, now);
        let (on_demand, remembered) = (HashMap::new(), REMEMBERED);
        Self { strangers: budget(), strangers_in_turn: budget(), on_demand, remembered }
    }

    fn take(&mut self, name: &str, whose: Whose, now: Timestamp) -> bool {
        match whose {
            Whose::Ours => true,
            Whose::OursOnDemand => self.on_demand(name, now).take(now),
            Whose::Strangers => self.strangers.take(now),
            Whose::StrangersInTurn => self.strangers_in_turn.take(now),
        }
    }

    fn on_demand(&mut self, name: &str, now: Timestamp) -> &mut Budget {
        if self.on_demand.len() >= self.remembered {
            self.on_demand.retain(|_, budget| !budget.is_full(now));
            self.remembered = REMEMBERED.max(2 * self.on_demand.len());
        }
        self.on_demand.entry(name.to_owned()).or_insert_with(|| Budget::new(ON_DEMAND.0, ON_DEMAND.1, now))
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
        let mut budgets = Budgets::new(5, 20, start);
        let mut taken = |name, whose, wanted: usize| (0..wanted).filter(|_| budgets.take(name, whose, start)).count();
        assert_eq!(taken("one", Whose::OursOnDemand, 100), 20);
        assert_eq!(taken("other", Whose::OursOnDemand, 1), 1);
        assert_eq!(taken("one", Whose::Ours, 100), 100);
        assert_eq!(taken("nobody's", Whose::Strangers, 100), 20);
        assert_eq!(taken("nobody's", Whose::StrangersInTurn, 100), 20);
    }

    #[test]
    fn payments_that_nobody_asks_about_any_more_are_forgotten() {
        let start = Timestamp::UNIX_EPOCH;
        let mut budgets = Budgets::new(5, 20, start);
        for n in 0..3 * REMEMBERED {
            budgets.take(&n.to_string(), Whose::OursOnDemand, later(start, Duration::from_millis(10 * n as u64)));
        }
        assert!(budgets.on_demand.len() <= REMEMBERED, "{}", budgets.on_demand.len());
    }
}
