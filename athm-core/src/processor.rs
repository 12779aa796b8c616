//! The one way in: message → verify → apply → record.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use crate::asking::{Asking, Whose, Word};
use crate::clock::later;
use crate::store::{By, Held, HeldAs, PaymentKey, Record, Recorded, Store};
use crate::text::{causes, cut};
use crate::{Amount, Callback, Clock, Sender, Status, StoreError, Transaction, TransactionKind};

/// How much of a message's body the inbox keeps, in characters.
const BODY: usize = 2048;
/// The pause before the provider is asked a second time; it doubles from time to time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How a message fared. What the provider says is applied and recorded whichever it is.
///
/// | receipt | HTTP | when |
/// |---|---|---|
/// | `Pending` | 202 | the provider couldn't be asked, or a final status is claimed that it doesn't confirm yet: it is asked again later |
/// | `Refused` | 422 | the provider knows no such payment or says otherwise, or a check of the program's own refused it |
/// | `Recorded` | 201 | the message brought a transition |
/// | `Known` | 200 | anything else, also a message that names no payment |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Receipt {
    /// The message brought a transition, which is recorded.
    Recorded,
    /// Nothing new; a message that names no payment is kept as unmatched.
    Known,
    /// Kept, until the provider confirms it or denies it.
    Pending,
    /// Kept as refused: it says what isn't so.
    Refused,
}

impl Receipt {
    /// Its name, as the answer's body has it.
    ///
    /// ```
    /// assert_eq!(athm_core::Receipt::Recorded.as_str(), "recorded");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Known => "known",
            Self::Pending => "pending",
            Self::Refused => "refused",
        }
    }
}

/// Turns messages into recorded transitions.
#[derive(Clone)]
pub(crate) struct Processor {
    pub(crate) store: Arc<dyn Store>,
    /// `None` when callbacks are trusted.
    pub(crate) asking: Option<Asking>,
    pub(crate) clock: Clock,
    /// Told when a message begins to wait.
    pub(crate) waiting: Arc<Notify>,
}

/// What counts of a message: the payment that it names, and what it claims.
#[derive(Debug, Clone)]
struct Claim {
    key: PaymentKey,
    kind: Option<TransactionKind>,
    status: Option<Status>,
    refunded_amount: Option<Amount>,
    sender: Sender,
    body: String,
    attempts: u32,
}

impl Claim {
    /// Whether it says of an ended payment what the provider has said already: a duplicate costs nobody a question.
    fn tells_nothing_new(&self, known: &Transaction) -> bool {
        let is_settled = known.status.is_final() && known.verified;
        let claims_as_much = self.status.as_ref().is_some_and(Status::is_final)
            && fared(self.status.as_ref(), &known.status) == Claimed::Rightly;
        let claims_no_refund = self.kind != Some(TransactionKind::Refund)
            && self.refunded_amount.unwrap_or_default() <= known.refunded_amount;
        is_settled && claims_as_much && claims_no_refund
    }
}

impl Processor {
    /// Takes in a message. It is durable, or its effect is, when this returns.
    pub(crate) async fn receive(
        &self,
        callback: &Callback,
        sender: Sender,
        body: &[u8],
    ) -> Result<Receipt, StoreError> {
        let body = String::from_utf8_lossy(body);
        let body = cut(&body, BODY).unwrap_or(&body).to_owned();
        let (kind, status, refunded_amount) =
            (callback.kind().cloned(), callback.status().cloned(), callback.refunded_amount());
        let key = match key_of(callback) {
            Some(key) if kind != Some(TransactionKind::Simulated) => key,
            key => {
                let reason = if key.is_some() { "a simulated event" } else { "it names no payment" };
                let held_as = HeldAs::Unmatched { reason: reason.to_owned() };
                return self
                    .hold(held_as, Held { key, kind, status, sender, body, ..self.blank() })
                    .await
                    .map(|()| Receipt::Known);
            }
        };
        let Some(asking) = &self.asking else {
            return self.believe(callback, sender).await;
        };
        self.process(asking, Claim { key, kind, status, refunded_amount, sender, body, attempts: 0 }).await
    }

    /// Asks the provider again about every message whose time has come.
    pub(crate) async fn retry_pending(&self) -> Result<(), StoreError> {
        let Some(asking) = &self.asking else { return Ok(()) };
        for held in self.store.due(self.clock.steady()).await? {
            if let (Some(key), HeldAs::Pending { attempts, .. }) = (held.key, held.held_as) {
                let Held { kind, status, sender, body, .. } = held;
                self.process(asking, Claim { key, kind, status, refunded_amount: None, sender, body, attempts })
                    .await?;
            }
        }
        Ok(())
    }

    /// Asks the provider, records its word, and says how the claim fared.
    async fn process(&self, asking: &Asking, claim: Claim) -> Result<Receipt, StoreError> {
        let known = self.store.find(By::Payment(claim.key.clone())).await?;
        if known.as_ref().is_some_and(|known| claim.tells_nothing_new(known)) {
            return self.done(&claim).await.map(|()| Receipt::Known);
        }
        let Some(word) = ask(asking, &claim.key, known.as_ref()).await else {
            tracing::warn!(payment = %claim.key, "too many messages about payments that aren't ours: the provider is asked later");
            return self.wait(claim, FIRST_PAUSE).await;
        };
        let observed = match word {
            Ok(observed) if *observed.kind() == TransactionKind::Refund => {
                // A refund's own number: what was refunded is learnt from the payment itself.
                return self
                    .give_up(claim, |reason| HeldAs::Unmatched { reason }, "it names a refund")
                    .await
                    .map(|()| Receipt::Known);
            }
            Ok(observed) => said_to_expire(observed, claim.status.as_ref()),
            Err(error) if error.is_not_found() => return self.refuse(claim, &error.to_string()).await,
            Err(error) => {
                tracing::warn!(payment = %claim.key, error = %causes(&error), "the provider couldn't be asked about a message; it is asked again");
                return self.wait_longer(claim).await;
            }
        };
        let status = observed.status().clone();
        let recorded = match self.record(observed, claim.sender.clone()).await {
            Err(StoreError::Conflict { reference }) => {
                tracing::error!(payment = %claim.key, reference, "the provider gave one reference number to two payments");
                return self.refuse(claim, "its reference number belongs to another payment").await;
            }
            recorded => recorded?,
        };
        if let Some(reason) = recorded.events().iter().find_map(|event| event.rejection()) {
            return self.refuse(claim, reason).await;
        }
        match fared(claim.status.as_ref(), &status) {
            Claimed::TooEarly => self.wait_longer(claim).await,
            Claimed::Wrongly => self.refuse(claim, &format!("the provider says {status}")).await,
            Claimed::Rightly => {
                self.done(&claim).await?;
                Ok(if recorded.events().is_empty() { Receipt::Known } else { Receipt::Recorded })
            }
        }
    }

    /// The provider's word on a payment; `None` when it isn't ours and too much is asked about such ones.
    pub(crate) async fn ask(&self, asking: &Asking, key: &PaymentKey) -> Result<Option<Word>, StoreError> {
        let known = self.store.find(By::Payment(key.clone())).await?;
        Ok(ask(asking, key, known.as_ref()).await)
    }

    /// Records a payment as it was seen.
    pub(crate) async fn record(&self, observed: Transaction, sender: Sender) -> Result<Recorded, StoreError> {
        self.store.record(Record { observed, sender, auth_token: None }).await
    }

    /// Keeps in mind, durably, that the provider is to be asked about a payment.
    pub(crate) async fn remind(&self, key: PaymentKey, sender: Sender) -> Result<(), StoreError> {
        let status = Some(Status::Completed);
        let claim = Claim { key, kind: None, status, refunded_amount: None, sender, body: String::new(), attempts: 0 };
        self.wait(claim, FIRST_PAUSE).await.map(drop)
    }

    /// Verification is switched off: the message's word is taken.
    async fn believe(&self, callback: &Callback, sender: Sender) -> Result<Receipt, StoreError> {
        let recorded = self.record(callback.transaction(self.clock.now()), sender).await?;
        Ok(if recorded.events().iter().any(|event| event.rejection().is_some()) {
            Receipt::Refused
        } else if recorded.events().is_empty() {
            Receipt::Known
        } else {
            Receipt::Recorded
        })
    }

    async fn wait_longer(&self, claim: Claim) -> Result<Receipt, StoreError> {
        let pause = pause_after(claim.attempts);
        self.wait(claim, pause).await
    }

    async fn wait(&self, claim: Claim, pause: Duration) -> Result<Receipt, StoreError> {
        let due_at = later(self.clock.steady(), pause);
        let held_as = HeldAs::Pending { attempts: claim.attempts + 1, due_at };
        self.hold(held_as, self.held(claim)).await?;
        self.waiting.notify_one();
        Ok(Receipt::Pending)
    }

    async fn refuse(&self, claim: Claim, reason: &str) -> Result<Receipt, StoreError> {
        tracing::warn!(payment = %claim.key, sender = %claim.sender, reason, "refused a message");
        self.give_up(claim, |reason| HeldAs::Refused { reason }, reason).await.map(|()| Receipt::Refused)
    }

    async fn give_up(
        &self,
        claim: Claim,
        held_as: impl FnOnce(String) -> HeldAs,
        reason: &str,
    ) -> Result<(), StoreError> {
        let held_as = held_as(reason.to_owned());
        let (key, waited) = (claim.key.clone(), claim.attempts > 0);
        self.hold(held_as, self.held(claim)).await?;
        if waited { self.store.release(key).await } else { Ok(()) }
    }

    async fn done(&self, claim: &Claim) -> Result<(), StoreError> {
        if claim.attempts > 0 { self.store.release(claim.key.clone()).await } else { Ok(()) }
    }

    async fn hold(&self, held_as: HeldAs, held: Held) -> Result<(), StoreError> {
        self.store.hold(Held { held_as, ..held }).await
    }

    fn held(&self, claim: Claim) -> Held {
        let Claim { key, kind, status, sender, body, .. } = claim;
        Held { key: Some(key), kind, status, sender, body, ..self.blank() }
    }

    fn blank(&self) -> Held {
        Held {
            id: Uuid::now_v7(),
            held_as: HeldAs::Refused { reason: String::new() },
            key: None,
            kind: None,
            status: None,
            sender: Sender::CALLBACK,
            body: String::new(),
            received_at: self.clock.now(),
        }
    }
}

async fn ask(asking: &Asking, key: &PaymentKey, known: Option<&Transaction>) -> Option<Word> {
    let is_ours = known.is_some_and(|transaction| transaction.deadline.is_some());
    let whose = if is_ours { Whose::Ours } else { Whose::Strangers };
    asking.ask(key, known.and_then(|transaction| transaction.ecommerce_id), whose).await
}

/// The payment that a message names: its ticket, or else its movement of money.
pub(crate) fn key_of(callback: &Callback) -> Option<PaymentKey> {
    let ticket = callback.ecommerce_id().copied().map(PaymentKey::Ecommerce);
    ticket.or_else(|| callback.reference_number().cloned().map(PaymentKey::Reference))
}

/// The provider says CANCEL to both: which of the two it was, the message may tell. No money moved in either.
pub(crate) fn said_to_expire(observed: Transaction, claimed: Option<&Status>) -> Transaction {
    match (&observed.status, claimed) {
        (Status::Cancelled, Some(Status::Expired)) => Transaction { status: Status::Expired, ..observed },
        _ => observed,
    }
}

/// How a claim fares beside the provider's word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    Rightly,
    Wrongly,
    TooEarly,
}

pub(crate) fn fared(claimed: Option<&Status>, found: &Status) -> Claimed {
    match claimed {
        Some(claimed) if claimed.is_final() && !found.is_final() => Claimed::TooEarly,
        Some(Status::Completed) if *found != Status::Completed => Claimed::Wrongly,
        Some(Status::Cancelled | Status::Expired) if *found == Status::Completed => Claimed::Wrongly,
        _ => Claimed::Rightly,
    }
}

/// 5 s, 10 s, 20 s … 10 minutes.
fn pause_after(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_minutes() {
        let seconds = [0, 1, 2, 6, 7, 8, u32::MAX].map(|attempts| pause_after(attempts).as_secs());
        assert_eq!(seconds, [5, 10, 20, 320, 600, 600, 600]);
    }

    #[test]
    fn how_a_claim_fares_beside_the_providers_word() {
        use Claimed::{Rightly, TooEarly, Wrongly};
        use Status::{Cancelled, Completed, Confirmed, Expired, Open};
        let unknown = Status::Unknown("ON_HOLD".into());
        for (claimed, found, fares) in [
            (None, &Open, Rightly),
            (None, &Completed, Rightly),
            (Some(&Open), &Completed, Rightly),
            (Some(&unknown), &Open, Rightly),
            (Some(&Completed), &Completed, Rightly),
            (Some(&Completed), &Confirmed, TooEarly),
            (Some(&Completed), &unknown, TooEarly),
            (Some(&Completed), &Cancelled, Wrongly),
            (Some(&Completed), &Expired, Wrongly),
            (Some(&Cancelled), &Open, TooEarly),
            (Some(&Cancelled), &Expired, Rightly),
            (Some(&Expired), &Cancelled, Rightly),
            (Some(&Expired), &Completed, Wrongly),
        ] {
            assert_eq!(fared(claimed, found), fares, "{claimed:?} beside {found}");
        }
    }
}
