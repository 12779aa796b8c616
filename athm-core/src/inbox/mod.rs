//! The one way in: message → verify → apply → record.

mod lookup;
mod refunds;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) use self::lookup::{LookupResult, ProviderLookup, RateLimitClass};
use crate::callback::Message;
use crate::models::{Amount, PaymentKey, RefundDetail, ReportedRefund, Sender, Status, Transaction, TransactionKind};
use crate::store::{
    InboxMessage, InboxState, MatchCriteria, Origin, PaymentLookup, Record, Recorded, Store, StoreError,
};
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

/// How a message judge. What the provider says is applied and recorded whichever it is.
///
/// | receipt | HTTP | when |
/// |---|---|---|
/// | `Pending` | 202 | the provider couldn't be asked, or a final status is claimed that it doesn't confirm yet: it is asked again later |
/// | `Refused` | 422 | the provider knows no such payment or says otherwise, or a check of the program's own refused it |
/// | `Recorded` | 201 | the message brought a transition |
/// | `Known` | 200 | anything else, also a message that names no payment |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageResult {
    /// The message brought a transition, which is recorded.
    Recorded,
    /// Nothing new; a message that names no payment is kept as unmatched.
    Known,
    /// Kept, until the provider confirms it or denies it.
    Pending,
    /// Kept as refused: it says what isn't so.
    Refused,
}

impl MessageResult {
    /// Its name, as the answer's body has it.
    ///
    /// ```
    /// assert_eq!(athm_core::MessageResult::Recorded.as_str(), "recorded");
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
    pub(crate) lookup: Option<ProviderLookup>,
    pub(crate) clock: Clock,
    /// ReportedRefund when a message begins to wait.
    pub(crate) waiting: Arc<Notify>,
    /// Whether webhooks come to an address that only the provider knows.
    pub(crate) has_secret_webhook: bool,
    /// ReportedRefund when the customer has approved a payment.
    pub(crate) approved: Arc<Notify>,
}

/// What counts of a message: the payment that it names, and what it claims.
#[derive(Debug, Clone)]
struct PendingMessage {
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

impl PendingMessage {
    /// What has waited.
    fn again(held: InboxMessage) -> Option<Self> {
        let InboxMessage { key, kind, status, refunded, sender, body, state, version, .. } = held;
        let InboxState::Pending { attempts, .. } = state else { return None };
        Some(Self { key: key?, kind, status, refunded, sender, body, attempts, version: Some(version) })
    }

    /// Whether it says of a paid payment that no money moved, which needs no question: a payment never goes back.
    fn is_refuted_by(&self, known: &Transaction) -> bool {
        let is_paid = known.status == Status::Completed && known.verified;
        is_paid
            && self.kind != Some(TransactionKind::Refund)
            && judge(self.status.as_ref(), None, known) == Verdict::Contradicted
    }

    /// Whether it says of an ended payment what the provider has said already: a duplicate costs nobody a question.
    fn tells_nothing_new(&self, known: &Transaction) -> bool {
        let is_settled = known.status.is_final() && known.verified;
        let claims_an_end =
            self.status.as_ref().is_some_and(Status::is_final) && self.kind != Some(TransactionKind::Refund);
        is_settled && claims_an_end && judge(self.status.as_ref(), self.refunded, known) == Verdict::Verified
    }
}

impl Processor {
    /// Takes in a message. It is durable, or its effect is, when this returns.
    pub(crate) async fn receive(
        &self,
        callback: &Message,
        sender: Sender,
        body: &[u8],
    ) -> Result<MessageResult, StoreError> {
        let body = String::from_utf8_lossy(body);
        let body = body[..body.floor_char_boundary(BODY)].to_owned();
        let (kind, status) = (callback.kind().cloned(), callback.status().cloned());
        let key = match self.named(callback).await? {
            Ok(key) => key,
            Err(reason) => {
                let state = InboxState::Unmatched { reason: reason.to_owned() };
                let key = stated_key(callback);
                let held = InboxMessage { key, kind, status, sender, body, ..self.blank() };
                return self.hold(state, held).await.map(|()| MessageResult::Known);
            }
        };
        let key = self.payment_of(key, kind.as_ref()).await?;
        let Some(lookup) = &self.lookup else {
            return self.receive_unverified(callback, &key, sender, body).await;
        };
        self.process(
            lookup,
            PendingMessage {
                key,
                kind,
                status,
                refunded: stated_refund(callback),
                sender,
                body,
                attempts: 0,
                version: None,
            },
        )
        .await
    }

    /// The payment that a message is about, or why there is none: most name it; of those that don't, the oldest events
    /// of a checkout that ended without money may be about the one open payment of ours that is like them.
    async fn named(&self, callback: &Message) -> Result<Result<PaymentKey, &'static str>, StoreError> {
        if callback.kind() == Some(&TransactionKind::Simulated) {
            return Ok(Err("a simulated event"));
        }
        if let Some(key) = stated_key(callback) {
            return Ok(Ok(key));
        }
        let Some(like) = match_criteria(callback) else { return Ok(Err("it names no payment")) };
        let mut alike = self.store.find_open_matching(like).await?.into_iter();
        Ok(match (alike.next(), alike.next()) {
            (Some(one), None) => Ok(PaymentKey::Ecommerce(one)),
            (None, _) => Err("it names no payment, and no open one is like it"),
            (Some(_), Some(_)) => Err("it names no payment, and several open ones are like it"),
        })
    }

    /// Asks the provider again about the messages whose time has come, those that wait longest first.
    pub(crate) async fn retry_pending(&self) -> Result<(), StoreError> {
        let Some(lookup) = &self.lookup else { return Ok(()) };
        let now = self.clock.steady();
        if self.store.next_due().await?.is_none_or(|due| due > now) {
            return Ok(());
        }
        let pending = self.store.pending(now, later(now, LEASE)).await?;
        let again = pending.into_iter().filter_map(PendingMessage::again).map(|claim| async {
            let key = claim.key.clone();
            self.process(lookup, claim).await.inspect_err(|error| {
                tracing::error!(payment = %key, error = %causes(error), "a pending message couldn't be looked after");
            })
        });
        // One that fails holds up none of the others.
        join_all(again).await.into_iter().try_for_each(|receipt| receipt.map(drop))
    }

    /// Asks the provider, records its word, and says how the claim judge.
    async fn process(&self, lookup: &ProviderLookup, claim: PendingMessage) -> Result<MessageResult, StoreError> {
        let known = self.store.find(PaymentLookup::Payment(claim.key.clone())).await?;
        if known.as_ref().is_some_and(|known| claim.tells_nothing_new(known)) {
            return self.done(&claim).await.map(|()| MessageResult::Known);
        }
        if known.as_ref().is_some_and(|known| claim.is_refuted_by(known)) {
            return self.refuse(claim, "the provider has said completed").await;
        }
        let rate_limit_class = self.rate_limit_class(known.as_ref(), &claim.sender, claim.attempts);
        let Some(word) = ask(lookup, &claim.key, known.as_ref(), rate_limit_class).await else {
            // However long it waits for that, it isn't given up.
            tracing::warn!(payment = %claim.key, ?rate_limit_class, "too many messages: the provider is asked later");
            return self.wait(claim).await;
        };
        let observed = match word {
            Ok(refund) if *refund.kind() == TransactionKind::Refund => {
                return self.process_refund(lookup, claim, &refund).await;
            }
            Ok(observed) => with_stated_expiry(observed, claim.status.as_ref()),
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
        match judge(claim.status.as_ref(), claim.refunded, &seen) {
            Verdict::Undecided => self.wait_longer(claim, Some(&recorded.transaction)).await,
            Verdict::Contradicted => self.refuse(claim, &format!("the provider says {}", seen.status())).await,
            Verdict::Verified => {
                self.done(&claim).await?;
                Ok(if recorded.events().is_empty() { MessageResult::Known } else { MessageResult::Recorded })
            }
        }
    }

    /// The provider's word on a payment that a message names; `None` when too much is asked.
    pub(crate) async fn ask(
        &self,
        lookup: &ProviderLookup,
        key: &PaymentKey,
    ) -> Result<Option<LookupResult>, StoreError> {
        let known = self.store.find(PaymentLookup::Payment(key.clone())).await?;
        let rate_limit_class = self.rate_limit_class(known.as_ref(), &Sender::CALLBACK, 0);
        Ok(ask(lookup, key, known.as_ref(), rate_limit_class).await)
    }

    /// Who knows the webhook's secret address makes no payments up.
    fn rate_limit_class(&self, known: Option<&Transaction>, sender: &Sender, attempts: u32) -> RateLimitClass {
        let is_ours = is_ours(known) || (self.has_secret_webhook && *sender == Sender::WEBHOOK);
        match (is_ours, attempts) {
            (true, 0) => RateLimitClass::OursOnDemand,
            (true, _) => RateLimitClass::Ours,
            (false, 0) => RateLimitClass::Strangers,
            (false, _) => RateLimitClass::StrangersInTurn,
        }
    }

    /// Records a payment as it was seen. A refund that the provider lists is told of the payment that it gives back.
    pub(crate) async fn record(&self, observed: Transaction, sender: Sender) -> Result<Recorded, StoreError> {
        let (mut seen, mut reported) = (observed, Vec::new());
        if *seen.kind() == TransactionKind::Refund
            && let Some(payment) = self.refunded_by(&seen).await?
        {
            reported.push(ReportedRefund { refund: None, detail: RefundDetail::of(&seen) });
            seen = Transaction { updated_at: seen.updated_at, ..payment };
        }
        let recorded = self
            .store
            .record(Record { observed: seen, sender, auth_token: None, reported, origin: Origin::Observation })
            .await?;
        if recorded.transaction.status == Status::Confirmed {
            self.approved.notify_one();
        }
        Ok(recorded)
    }

    /// Records what the provider's books say of a payment.
    pub(crate) async fn correct(&self, observed: Transaction) -> Result<Recorded, StoreError> {
        let reported = Vec::new();
        let record =
            Record { observed, sender: Sender::RECONCILE, auth_token: None, reported, origin: Origin::Reconciliation };
        self.store.record(record).await
    }

    /// Verification is switched off: the message's word is taken.
    async fn receive_unverified(
        &self,
        callback: &Message,
        key: &PaymentKey,
        sender: Sender,
        body: String,
    ) -> Result<MessageResult, StoreError> {
        let mut record = Record {
            observed: callback.transaction(self.clock.now()),
            sender,
            auth_token: None,
            reported: Vec::new(),
            origin: Origin::Observation,
        };
        if callback.kind() == Some(&TransactionKind::Refund) {
            let Some(payment) = self.store.find(PaymentLookup::Payment(key.clone())).await? else {
                let (kind, status) = (callback.kind().cloned(), callback.status().cloned());
                let state = InboxState::Unmatched { reason: "it names no payment that is known".to_owned() };
                let held =
                    InboxMessage { key: Some(key.clone()), kind, status, sender: record.sender, body, ..self.blank() };
                return self.hold(state, held).await.map(|()| MessageResult::Known);
            };
            record = self.trusted_refund(record, payment).await?;
        }
        let recorded = match self.store.record(record).await {
            Err(StoreError::Conflict { reference }) => {
                tracing::error!(reference, "a message gives one reference number to two payments");
                return Ok(MessageResult::Refused);
            }
            recorded => recorded?,
        };
        Ok(if recorded.events().iter().any(|event| event.rejection().is_some()) {
            MessageResult::Refused
        } else if recorded.events().is_empty() {
            MessageResult::Known
        } else {
            MessageResult::Recorded
        })
    }

    /// Waits for what the provider doesn't say yet: not for ever, if it may never.
    async fn wait_longer(
        &self,
        claim: PendingMessage,
        known: Option<&Transaction>,
    ) -> Result<MessageResult, StoreError> {
        if claim.attempts >= MOST_ATTEMPTS && (claim.refunded.is_some() || !is_ours(known)) {
            return self.refuse(claim, "the provider hasn't confirmed it in all that time").await;
        }
        self.wait(claim).await
    }

    async fn wait(&self, claim: PendingMessage) -> Result<MessageResult, StoreError> {
        let due_at = later(self.clock.steady(), pause_after(claim.attempts));
        let state = InboxState::Pending { attempts: claim.attempts.saturating_add(1), due_at };
        self.hold(state, self.held(claim)).await?;
        self.waiting.notify_one();
        Ok(MessageResult::Pending)
    }

    async fn refuse(&self, claim: PendingMessage, reason: &str) -> Result<MessageResult, StoreError> {
        tracing::warn!(payment = %claim.key, sender = %claim.sender, reason, "refused a message");
        self.give_up(claim, |reason| InboxState::Refused { reason }, reason).await.map(|()| MessageResult::Refused)
    }

    async fn give_up(
        &self,
        claim: PendingMessage,
        state: impl FnOnce(String) -> InboxState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let state = state(reason.to_owned());
        let (key, version) = (claim.key.clone(), claim.version);
        self.hold(state, self.held(claim)).await?;
        self.release(key, version).await
    }

    async fn done(&self, claim: &PendingMessage) -> Result<(), StoreError> {
        self.release(claim.key.clone(), claim.version).await
    }

    /// Drops what has waited, unless another message for the same payment has come meanwhile.
    async fn release(&self, key: PaymentKey, version: Option<i64>) -> Result<(), StoreError> {
        match version {
            Some(version) => self.store.release(key, version).await,
            None => Ok(()),
        }
    }

    async fn hold(&self, state: InboxState, held: InboxMessage) -> Result<(), StoreError> {
        self.store.hold(InboxMessage { state, ..held }).await
    }

    fn held(&self, claim: PendingMessage) -> InboxMessage {
        let PendingMessage { key, kind, status, refunded, sender, body, .. } = claim;
        InboxMessage { key: Some(key), kind, status, refunded, sender, body, ..self.blank() }
    }

    fn blank(&self) -> InboxMessage {
        InboxMessage {
            id: Uuid::now_v7(),
            state: InboxState::Refused { reason: String::new() },
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

async fn ask(
    lookup: &ProviderLookup,
    key: &PaymentKey,
    known: Option<&Transaction>,
    rate_limit_class: RateLimitClass,
) -> Option<LookupResult> {
    lookup.ask(key, known.and_then(|transaction| transaction.ecommerce_id), rate_limit_class).await
}

/// Whether we opened the payment, or the provider has told us of it before: nobody made it up.
fn is_ours(known: Option<&Transaction>) -> bool {
    known.is_some_and(|transaction| transaction.deadline.is_some() || transaction.verified)
}

/// What a message claims has been given back, at least: a refund's own total, or what a payment's message says of it.
pub(crate) fn stated_refund(callback: &Message) -> Option<Amount> {
    let is_refund = callback.kind() == Some(&TransactionKind::Refund);
    let claimed = if is_refund { callback.total().max(callback.refunded_amount()) } else { callback.refunded_amount() };
    claimed.filter(|amount| *amount > Amount::ZERO)
}

/// The payment that a message names: its ticket, or else its movement of money.
pub(crate) fn stated_key(callback: &Message) -> Option<PaymentKey> {
    let ticket = callback.ecommerce_id().copied().map(PaymentKey::Ecommerce);
    ticket.or_else(|| callback.reference_number().cloned().map(PaymentKey::Reference))
}

/// What tells an open payment from others where its name is missing: only a checkout that was cancelled, or that
/// expired, has none.
fn match_criteria(callback: &Message) -> Option<MatchCriteria> {
    let is_checkout = callback.kind() == Some(&TransactionKind::Ecommerce);
    let ended = matches!(callback.status(), Some(Status::Cancelled | Status::Expired));
    let (total, metadata_1) = (callback.total()?, callback.metadata_1()?.to_owned());
    let metadata_2 = callback.metadata_2().unwrap_or_default().to_owned();
    (is_checkout && ended).then_some(MatchCriteria { total, metadata_1, metadata_2 })
}

/// The provider says CANCEL to both: which of the two it was, the message may tell. No money moved in either.
pub(crate) fn with_stated_expiry(observed: Transaction, claimed: Option<&Status>) -> Transaction {
    match (&observed.status, claimed) {
        (Status::Cancelled, Some(Status::Expired)) => Transaction { status: Status::Expired, ..observed },
        _ => observed,
    }
}

/// How a claim fares beside the provider's word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Verified,
    Contradicted,
    Undecided,
}

pub(crate) fn judge(claimed: Option<&Status>, refunded: Option<Amount>, found: &Transaction) -> Verdict {
    match claimed {
        Some(claimed) if claimed.is_final() && !found.status.is_final() => Verdict::Undecided,
        Some(Status::Completed) if found.status != Status::Completed => Verdict::Contradicted,
        Some(Status::Cancelled | Status::Expired) if found.status == Status::Completed => Verdict::Contradicted,
        _ if refunded > Some(found.refunded_amount) => Verdict::Undecided,
        _ => Verdict::Verified,
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
        use Status::{Cancelled, Completed, Confirmed, Expired, Open};
        use Verdict::{Contradicted, Undecided, Verified};
        let unknown = Status::Unknown("ON_HOLD".into());
        for (claimed, found, fares) in [
            (None, &Open, Verified),
            (None, &Completed, Verified),
            (Some(&Open), &Completed, Verified),
            (Some(&unknown), &Open, Verified),
            (Some(&Completed), &Completed, Verified),
            (Some(&Completed), &Confirmed, Undecided),
            (Some(&Completed), &unknown, Undecided),
            (Some(&Completed), &Cancelled, Contradicted),
            (Some(&Completed), &Expired, Contradicted),
            (Some(&Cancelled), &Open, Undecided),
            (Some(&Cancelled), &Expired, Verified),
            (Some(&Expired), &Cancelled, Verified),
            (Some(&Expired), &Completed, Contradicted),
        ] {
            let seen = Transaction::builder(found.clone(), Amount::from_cents(2500)).build();
            assert_eq!(judge(claimed, None, &seen), fares, "{claimed:?} beside {found}");
        }
        let refunded = |cents| Some(Amount::from_cents(cents));
        let seen =
            Transaction::builder(Completed, Amount::from_cents(2500)).refunded_amount(Amount::from_cents(500)).build();
        assert_eq!(judge(Some(&Completed), refunded(500), &seen), Verified);
        assert_eq!(judge(Some(&Completed), refunded(501), &seen), Undecided);
    }
}
