//! The one way in: message → verify → apply → record.

mod lookup;
mod refunds;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) use self::lookup::{Asking, Whose, Word};
use crate::callback::Callback;
use crate::models::{Amount, PaymentKey, RefundDetail, Sender, Status, Told, Transaction, TransactionKind};
use crate::store::{By, Held, HeldAs, Likeness, Record, Recorded, Source, Store, StoreError};
use crate::util::clock::{Clock, later};
use crate::util::text::causes;

/// How much of a message's body the inbox keeps, in bytes.
const BODY: usize = 2048;
/// How often the provider is asked about a message that isn't about a payment of ours, which takes a day, and about a
/// refund that it doesn't show.
const MOST_ATTEMPTS: u32 = 150;
/// The pause before the provider is asked a second time; it doubles from time to time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// How long a process has for what it has taken to ask about: after that anybody may take it.
pub(crate) const LEASE: Duration = Duration::from_secs(120);

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
    /// Whether webhooks come to an address that only the provider knows.
    pub(crate) has_secret_webhook: bool,
    /// Told when the customer has approved a payment.
    pub(crate) approved: Arc<Notify>,
}

/// What counts of a message: the payment that it names, and what it claims.
#[derive(Debug, Clone)]
struct Claim {
    key: PaymentKey,
    kind: Option<TransactionKind>,
    status: Option<Status>,
    /// What it claims has been given back, at least.
    refunded: Option<Amount>,
    sender: Sender,
    body: String,
    attempts: u32,
    /// Of one that has waited: which of the messages for that payment was the last.
    version: Option<i64>,
}

impl Claim {
    /// What has waited.
    fn again(held: Held) -> Option<Self> {
        let Held { key, kind, status, refunded, sender, body, held_as, version, .. } = held;
        let HeldAs::Pending { attempts, .. } = held_as else { return None };
        Some(Self { key: key?, kind, status, refunded, sender, body, attempts, version: Some(version) })
    }

    /// Whether it says of a paid payment that no money moved, which needs no question: a payment never goes back.
    fn is_refuted_by(&self, known: &Transaction) -> bool {
        let is_paid = known.status == Status::Completed && known.verified;
        is_paid
            && self.kind != Some(TransactionKind::Refund)
            && fared(self.status.as_ref(), None, known) == Claimed::Wrongly
    }

    /// Whether it says of an ended payment what the provider has said already: a duplicate costs nobody a question.
    fn tells_nothing_new(&self, known: &Transaction) -> bool {
        let is_settled = known.status.is_final() && known.verified;
        let claims_an_end =
            self.status.as_ref().is_some_and(Status::is_final) && self.kind != Some(TransactionKind::Refund);
        is_settled && claims_an_end && fared(self.status.as_ref(), self.refunded, known) == Claimed::Rightly
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
        let body = body[..body.floor_char_boundary(BODY)].to_owned();
        let (kind, status) = (callback.kind().cloned(), callback.status().cloned());
        let key = match self.named(callback).await? {
            Ok(key) => key,
            Err(reason) => {
                let held_as = HeldAs::Unmatched { reason: reason.to_owned() };
                let key = key_of(callback);
                let held = Held { key, kind, status, sender, body, ..self.blank() };
                return self.hold(held_as, held).await.map(|()| Receipt::Known);
            }
        };
        let key = self.payment_of(key, kind.as_ref()).await?;
        let Some(asking) = &self.asking else {
            return self.believe(callback, &key, sender, body).await;
        };
        self.process(
            asking,
            Claim { key, kind, status, refunded: claimed_refund(callback), sender, body, attempts: 0, version: None },
        )
        .await
    }

    /// The payment that a message is about, or why there is none: most name it; of those that don't, the oldest events
    /// of a checkout that ended without money may be about the one open payment of ours that is like them.
    async fn named(&self, callback: &Callback) -> Result<Result<PaymentKey, &'static str>, StoreError> {
        if callback.kind() == Some(&TransactionKind::Simulated) {
            return Ok(Err("a simulated event"));
        }
        if let Some(key) = key_of(callback) {
            return Ok(Ok(key));
        }
        let Some(like) = likeness(callback) else { return Ok(Err("it names no payment")) };
        let mut alike = self.store.open_alike(like).await?.into_iter();
        Ok(match (alike.next(), alike.next()) {
            (Some(one), None) => Ok(PaymentKey::Ecommerce(one)),
            (None, _) => Err("it names no payment, and no open one is like it"),
            (Some(_), Some(_)) => Err("it names no payment, and several open ones are like it"),
        })
    }

    /// Asks the provider again about the messages whose time has come, those that wait longest first.
    pub(crate) async fn retry_pending(&self) -> Result<(), StoreError> {
        let Some(asking) = &self.asking else { return Ok(()) };
        let now = self.clock.steady();
        if self.store.next_due().await?.is_none_or(|due| due > now) {
            return Ok(());
        }
        let pending = self.store.pending(now, later(now, LEASE)).await?;
        let again = pending.into_iter().filter_map(Claim::again).map(|claim| async {
            let key = claim.key.clone();
            self.process(asking, claim).await.inspect_err(|error| {
                tracing::error!(payment = %key, error = %causes(error), "a pending message couldn't be looked after");
            })
        });
        // One that fails holds up none of the others.
        join_all(again).await.into_iter().try_for_each(|receipt| receipt.map(drop))
    }

    /// Asks the provider, records its word, and says how the claim fared.
    async fn process(&self, asking: &Asking, claim: Claim) -> Result<Receipt, StoreError> {
        let known = self.store.find(By::Payment(claim.key.clone())).await?;
        if known.as_ref().is_some_and(|known| claim.tells_nothing_new(known)) {
            return self.done(&claim).await.map(|()| Receipt::Known);
        }
        if known.as_ref().is_some_and(|known| claim.is_refuted_by(known)) {
            return self.refuse(claim, "the provider has said completed").await;
        }
        let whose = self.whose(known.as_ref(), &claim.sender, claim.attempts);
        let Some(word) = ask(asking, &claim.key, known.as_ref(), whose).await else {
            // However long it waits for that, it isn't given up.
            tracing::warn!(payment = %claim.key, ?whose, "too many messages: the provider is asked later");
            return self.wait(claim).await;
        };
        let observed = match word {
            Ok(refund) if *refund.kind() == TransactionKind::Refund => {
                return self.process_refund(asking, claim, &refund).await;
            }
            Ok(observed) => said_to_expire(observed, claim.status.as_ref()),
            Err(error) if error.is_not_found() => return self.refuse(claim, &error.to_string()).await,
            Err(error) => {
                tracing::warn!(payment = %claim.key, error = %causes(&error), "the provider couldn't be asked about a message; it is asked again");
                return self.wait_longer(claim, known.as_ref()).await;
            }
        };
        let seen = observed.clone();
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
        match fared(claim.status.as_ref(), claim.refunded, &seen) {
            Claimed::TooEarly => self.wait_longer(claim, Some(&recorded.transaction)).await,
            Claimed::Wrongly => self.refuse(claim, &format!("the provider says {}", seen.status())).await,
            Claimed::Rightly => {
                self.done(&claim).await?;
                Ok(if recorded.events().is_empty() { Receipt::Known } else { Receipt::Recorded })
            }
        }
    }

    /// The provider's word on a payment that a message names; `None` when too much is asked.
    pub(crate) async fn ask(&self, asking: &Asking, key: &PaymentKey) -> Result<Option<Word>, StoreError> {
        let known = self.store.find(By::Payment(key.clone())).await?;
        let whose = self.whose(known.as_ref(), &Sender::CALLBACK, 0);
        Ok(ask(asking, key, known.as_ref(), whose).await)
    }

    /// Who knows the webhook's secret address makes no payments up.
    fn whose(&self, known: Option<&Transaction>, sender: &Sender, attempts: u32) -> Whose {
        let is_ours = is_ours(known) || (self.has_secret_webhook && *sender == Sender::WEBHOOK);
        match (is_ours, attempts) {
            (true, 0) => Whose::OursOnDemand,
            (true, _) => Whose::Ours,
            (false, 0) => Whose::Strangers,
            (false, _) => Whose::StrangersInTurn,
        }
    }

    /// Records a payment as it was seen. A refund that the provider lists is told of the payment that it gives back.
    pub(crate) async fn record(&self, observed: Transaction, sender: Sender) -> Result<Recorded, StoreError> {
        let (mut seen, mut told) = (observed, Vec::new());
        if *seen.kind() == TransactionKind::Refund
            && let Some(payment) = self.refunded_by(&seen).await?
        {
            told.push(Told { refund: None, detail: RefundDetail::of(&seen) });
            seen = Transaction { updated_at: seen.updated_at, ..payment };
        }
        let recorded =
            self.store.record(Record { observed: seen, sender, auth_token: None, told, source: Source::News }).await?;
        if recorded.transaction.status == Status::Confirmed {
            self.approved.notify_one();
        }
        Ok(recorded)
    }

    /// Records what the provider's books say of a payment.
    pub(crate) async fn correct(&self, observed: Transaction) -> Result<Recorded, StoreError> {
        let told = Vec::new();
        let record = Record { observed, sender: Sender::RECONCILE, auth_token: None, told, source: Source::Books };
        self.store.record(record).await
    }

    /// Verification is switched off: the message's word is taken.
    async fn believe(
        &self,
        callback: &Callback,
        key: &PaymentKey,
        sender: Sender,
        body: String,
    ) -> Result<Receipt, StoreError> {
        let mut record = Record {
            observed: callback.transaction(self.clock.now()),
            sender,
            auth_token: None,
            told: Vec::new(),
            source: Source::News,
        };
        if callback.kind() == Some(&TransactionKind::Refund) {
            let Some(payment) = self.store.find(By::Payment(key.clone())).await? else {
                let (kind, status) = (callback.kind().cloned(), callback.status().cloned());
                let held_as = HeldAs::Unmatched { reason: "it names no payment that is known".to_owned() };
                let held = Held { key: Some(key.clone()), kind, status, sender: record.sender, body, ..self.blank() };
                return self.hold(held_as, held).await.map(|()| Receipt::Known);
            };
            record = self.trusted_refund(record, payment).await?;
        }
        let recorded = match self.store.record(record).await {
            Err(StoreError::Conflict { reference }) => {
                tracing::error!(reference, "a message gives one reference number to two payments");
                return Ok(Receipt::Refused);
            }
            recorded => recorded?,
        };
        Ok(if recorded.events().iter().any(|event| event.rejection().is_some()) {
            Receipt::Refused
        } else if recorded.events().is_empty() {
            Receipt::Known
        } else {
            Receipt::Recorded
        })
    }

    /// Waits for what the provider doesn't say yet: not for ever, if it may never.
    async fn wait_longer(&self, claim: Claim, known: Option<&Transaction>) -> Result<Receipt, StoreError> {
        if claim.attempts >= MOST_ATTEMPTS && (claim.refunded.is_some() || !is_ours(known)) {
            return self.refuse(claim, "the provider hasn't confirmed it in all that time").await;
        }
        self.wait(claim).await
    }

    async fn wait(&self, claim: Claim) -> Result<Receipt, StoreError> {
        let due_at = later(self.clock.steady(), pause_after(claim.attempts));
        let held_as = HeldAs::Pending { attempts: claim.attempts.saturating_add(1), due_at };
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
        let (key, version) = (claim.key.clone(), claim.version);
        self.hold(held_as, self.held(claim)).await?;
        self.release(key, version).await
    }

    async fn done(&self, claim: &Claim) -> Result<(), StoreError> {
        self.release(claim.key.clone(), claim.version).await
    }

    /// Drops what has waited, unless another message for the same payment has come meanwhile.
    async fn release(&self, key: PaymentKey, version: Option<i64>) -> Result<(), StoreError> {
        match version {
            Some(version) => self.store.release(key, version).await,
            None => Ok(()),
        }
    }

    async fn hold(&self, held_as: HeldAs, held: Held) -> Result<(), StoreError> {
        self.store.hold(Held { held_as, ..held }).await
    }

    fn held(&self, claim: Claim) -> Held {
        let Claim { key, kind, status, refunded, sender, body, .. } = claim;
        Held { key: Some(key), kind, status, refunded, sender, body, ..self.blank() }
    }

    fn blank(&self) -> Held {
        Held {
            id: Uuid::now_v7(),
            held_as: HeldAs::Refused { reason: String::new() },
            key: None,
            kind: None,
            status: None,
            refunded: None,
            version: 0,
            sender: Sender::CALLBACK,
            body: String::new(),
            received_at: self.clock.now(),
        }
    }
}

async fn ask(asking: &Asking, key: &PaymentKey, known: Option<&Transaction>, whose: Whose) -> Option<Word> {
    asking.ask(key, known.and_then(|transaction| transaction.ecommerce_id), whose).await
}

/// Whether we opened the payment, or the provider has told us of it before: nobody made it up.
fn is_ours(known: Option<&Transaction>) -> bool {
    known.is_some_and(|transaction| transaction.deadline.is_some() || transaction.verified)
}

/// What a message claims has been given back, at least: a refund's own total, or what a payment's message says of it.
pub(crate) fn claimed_refund(callback: &Callback) -> Option<Amount> {
    let is_refund = callback.kind() == Some(&TransactionKind::Refund);
    let claimed = if is_refund { callback.total().max(callback.refunded_amount()) } else { callback.refunded_amount() };
    claimed.filter(|amount| *amount > Amount::ZERO)
}

/// The payment that a message names: its ticket, or else its movement of money.
pub(crate) fn key_of(callback: &Callback) -> Option<PaymentKey> {
    let ticket = callback.ecommerce_id().copied().map(PaymentKey::Ecommerce);
    ticket.or_else(|| callback.reference_number().cloned().map(PaymentKey::Reference))
}

/// What tells an open payment from others where its name is missing: only a checkout that was cancelled, or that
/// expired, has none.
fn likeness(callback: &Callback) -> Option<Likeness> {
    let is_checkout = callback.kind() == Some(&TransactionKind::Ecommerce);
    let ended = matches!(callback.status(), Some(Status::Cancelled | Status::Expired));
    let (total, metadata_1) = (callback.total()?, callback.metadata_1()?.to_owned());
    let metadata_2 = callback.metadata_2().unwrap_or_default().to_owned();
    (is_checkout && ended).then_some(Likeness { total, metadata_1, metadata_2 })
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

pub(crate) fn fared(claimed: Option<&Status>, refunded: Option<Amount>, found: &Transaction) -> Claimed {
    match claimed {
        Some(claimed) if claimed.is_final() && !found.status.is_final() => Claimed::TooEarly,
        Some(Status::Completed) if found.status != Status::Completed => Claimed::Wrongly,
        Some(Status::Cancelled | Status::Expired) if found.status == Status::Completed => Claimed::Wrongly,
        _ if refunded > Some(found.refunded_amount) => Claimed::TooEarly,
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
            let seen = Transaction::builder(found.clone(), Amount::from_cents(2500)).build();
            assert_eq!(fared(claimed, None, &seen), fares, "{claimed:?} beside {found}");
        }
        let refunded = |cents| Some(Amount::from_cents(cents));
        let seen =
            Transaction::builder(Completed, Amount::from_cents(2500)).refunded_amount(Amount::from_cents(500)).build();
        assert_eq!(fared(Some(&Completed), refunded(500), &seen), Rightly);
        assert_eq!(fared(Some(&Completed), refunded(501), &seen), TooEarly);
    }
}
