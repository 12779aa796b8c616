//! Messages that are stored: to be retried, or because they were refused or name no payment.

use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use super::judge::{Verdict, judge, stated_detail};
use super::lookup::is_known;
use super::{Inbox, MessageResult};
use crate::callback::Message;
use crate::models::{
    Amount, PaymentKey, RefundStatement, RefundStatements, Sender, Status, Transaction, TransactionKind,
};
use crate::store::{InboxMessage, InboxState, StoreError};
use crate::util::backoff::Backoff;
use crate::util::clock::later;
use crate::util::text::causes;

/// How much of a message's body is stored, in bytes.
const MAX_BODY: usize = 2048;
/// How many lookups a message gets whose payment we don't know, which takes a day; the same for a refund that the provider
/// doesn't show.
pub(super) const MAX_LOOKUPS: u32 = 150;
/// How many lookups a reference number gets that the provider doesn't know, which takes ten minutes: its search lags.
const MAX_UNKNOWN_LOOKUPS: u32 = 7;
/// The pauses between lookups: 5 s, 10 s, 20 s … 10 minutes.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(5), 2, Duration::from_secs(600));
/// How long a process has for the lookups that it has taken: after that, any process may take them.
pub(crate) const LOOKUP_LEASE: Duration = Duration::from_secs(120);

/// What counts of a message until it is settled: the payment that it names, and what it states.
#[derive(Debug, Clone)]
pub(super) struct PendingMessage {
    pub(super) key: PaymentKey,
    pub(super) kind: Option<TransactionKind>,
    pub(super) status: Option<Status>,
    /// The least refunded amount that it states.
    pub(super) refunded: Option<Amount>,
    /// The single refunds that it states.
    pub(super) refunds: RefundStatements,
    pub(super) sender: Sender,
    pub(super) body: String,
    /// How many lookups were made for it before.
    pub(super) attempts: u32,
    /// Of a stored one: how many messages for this payment it stands for. A newer message raises it.
    pub(super) version: Option<i64>,
}

impl PendingMessage {
    /// One that has just arrived.
    pub(super) fn new(message: &Message, key: PaymentKey, sender: Sender, body: &[u8]) -> Self {
        Self {
            key,
            kind: message.kind().cloned(),
            status: message.status().cloned(),
            refunded: message.refunded_amount().filter(|amount| *amount > Amount::ZERO),
            refunds: stated_detail(message)
                .map(|detail| RefundStatement { before: Amount::ZERO, detail })
                .into_iter()
                .collect(),
            sender,
            body: beginning(body),
            attempts: 0,
            version: None,
        }
    }

    /// One that was stored to be retried.
    fn stored(stored: InboxMessage) -> Option<Self> {
        let InboxMessage { key, kind, status, refunded, refunds, sender, body, state, version, .. } = stored;
        let InboxState::Pending { attempts, .. } = state else { return None };
        Some(Self { key: key?, kind, status, refunded, refunds, sender, body, attempts, version: Some(version) })
    }

    /// Of a new message: what it states counts from how the payment is recorded now.
    pub(super) fn since(mut self, known: Option<&Transaction>) -> Self {
        if let (None, Some(known)) = (self.version, known) {
            self.refunds = self.refunds.since(known);
        }
        self
    }

    /// Of a message that names no payment: the payment's deadline alone distinguishes an expiry from a cancellation.
    pub(super) fn without_stated_expiry(mut self) -> Self {
        self.status = self.status.map(|status| if status == Status::Expired { Status::Cancelled } else { status });
        self
    }

    pub(super) fn verdict(&self, answer: &Transaction) -> Verdict {
        judge(self.status.as_ref(), self.refunded, answer)
    }

    /// Whether it states that no money moved for a payment that the provider has already called completed. A completed
    /// payment never goes back, so this needs no lookup.
    pub(super) fn is_contradicted_by(&self, known: &Transaction) -> bool {
        let is_paid = known.status == Status::Completed && known.verified;
        is_paid && !self.is_refund() && judge(self.status.as_ref(), None, known) == Verdict::Contradicted
    }

    /// Whether it states of an ended payment only what the provider has already reported: a duplicate costs no lookup.
    pub(super) fn is_duplicate_of(&self, known: &Transaction) -> bool {
        let is_settled = known.status.is_final() && known.verified;
        let states_an_end = self.status.as_ref().is_some_and(Status::is_final) && !self.is_refund();
        is_settled && states_an_end && self.verdict(known) == Verdict::Verified
    }

    fn is_refund(&self) -> bool {
        self.kind == Some(TransactionKind::Refund)
    }
}

impl Inbox {
    /// Retries the messages that are due, those that wait longest first.
    pub(crate) async fn retry_pending(&self) -> Result<(), StoreError> {
        let Some(lookup) = &self.lookup else { return Ok(()) };
        let now = self.clock.steady();
        if self.store.next_pending_message().await?.is_none_or(|due| due > now) {
            return Ok(());
        }
        let due = self.store.claim_pending_messages(now, later(now, LOOKUP_LEASE)).await?;
        let retries = due.into_iter().filter_map(PendingMessage::stored).map(|message| async {
            let key = message.key.clone();
            self.process(lookup, message).await.inspect_err(|error| {
                if !matches!(error, StoreError::Closed) {
                    tracing::error!(payment = %key, error = %causes(error), "a pending message couldn't be settled; it is retried");
                }
            })
        });
        // One that fails holds up none of the others.
        join_all(retries).await.into_iter().try_for_each(|result| result.map(drop))
    }

    /// Stores a message that names no payment, with the reason.
    pub(super) async fn store_unmatched(
        &self,
        message: &Message,
        key: Option<PaymentKey>,
        sender: Sender,
        body: &[u8],
        reason: &str,
    ) -> Result<MessageResult, StoreError> {
        let (kind, status) = (message.kind().cloned(), message.status().cloned());
        let key = key.or_else(|| super::identify::stated_key(message));
        let state = InboxState::Unmatched { reason: reason.to_owned() };
        let body = beginning(body);
        self.store.insert_message(InboxMessage { key, kind, status, sender, body, ..self.new_row(state) }).await?;
        Ok(MessageResult::Known)
    }

    /// Retries a message that the provider doesn't confirm yet, unless its lookups are used up. A message about a payment
    /// that we know is retried until the provider decides.
    pub(super) async fn retry_or_give_up(
        &self,
        message: PendingMessage,
        known: Option<&Transaction>,
    ) -> Result<MessageResult, StoreError> {
        let states_refund = message.refunded.is_some() || !message.refunds.is_empty();
        if message.attempts >= MAX_LOOKUPS && (states_refund || !is_known(known)) {
            return self.refuse(message, "the provider didn't confirm it within a day").await;
        }
        self.retry_later(message).await
    }

    /// The provider says that there is no such payment. Its search and its `find` lag behind, so that this refuses at once
    /// only an ecommerceId that we don't know; a payment that we know can't be asked about now.
    pub(super) async fn retry_or_refuse_unknown(
        &self,
        message: PendingMessage,
        known: Option<&Transaction>,
        reason: &str,
    ) -> Result<MessageResult, StoreError> {
        let most = match (&message.key, is_known(known)) {
            (_, true) => MAX_LOOKUPS,
            (PaymentKey::Reference(_), false) => MAX_UNKNOWN_LOOKUPS,
            (PaymentKey::Ecommerce(_), false) => 0,
        };
        if message.attempts >= most {
            return self.refuse(message, reason).await;
        }
        self.retry_later(message).await
    }

    pub(super) async fn retry_later(&self, message: PendingMessage) -> Result<MessageResult, StoreError> {
        let due_at = later(self.clock.steady(), BACKOFF.pause_after(message.attempts.saturating_add(1)));
        let state = InboxState::Pending { attempts: message.attempts.saturating_add(1), due_at };
        self.store.insert_message(self.row(message, state)).await?;
        self.message_pending.notify_one();
        Ok(MessageResult::Pending)
    }

    /// Stores a message as refused, and logs why.
    pub(super) async fn refuse(&self, message: PendingMessage, reason: &str) -> Result<MessageResult, StoreError> {
        tracing::warn!(payment = %message.key, sender = %message.sender, reason, "refused a message");
        self.end(message, InboxState::Refused { reason: reason.to_owned() }).await?;
        Ok(MessageResult::Refused)
    }

    /// Stores a message in its final state, in place of the pending one.
    pub(super) async fn end(&self, message: PendingMessage, state: InboxState) -> Result<(), StoreError> {
        let (key, version) = (message.key.clone(), message.version);
        self.store.insert_message(self.row(message, state)).await?;
        self.delete_pending(key, version).await
    }

    /// The message is settled: it needs no further lookup.
    pub(super) async fn accept(
        &self,
        message: &PendingMessage,
        result: MessageResult,
    ) -> Result<MessageResult, StoreError> {
        self.delete_pending(message.key.clone(), message.version).await?;
        Ok(result)
    }

    /// Deletes the stored message, unless another message for the same payment has arrived meanwhile.
    async fn delete_pending(&self, key: PaymentKey, version: Option<i64>) -> Result<(), StoreError> {
        match version {
            Some(version) => self.store.delete_pending(key, version).await,
            None => Ok(()),
        }
    }

    fn row(&self, message: PendingMessage, state: InboxState) -> InboxMessage {
        let PendingMessage { key, kind, status, refunded, refunds, sender, body, .. } = message;
        InboxMessage { key: Some(key), kind, status, refunded, refunds, sender, body, ..self.new_row(state) }
    }

    fn new_row(&self, state: InboxState) -> InboxMessage {
        InboxMessage {
            id: Uuid::now_v7(),
            state,
            key: None,
            kind: None,
            status: None,
            refunded: None,
            refunds: RefundStatements::default(),
            version: 0,
            sender: Sender::CALLBACK,
            body: String::new(),
            received_at: self.clock.now(),
        }
    }
}

/// As much of a body as is stored.
fn beginning(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    body[..body.floor_char_boundary(MAX_BODY)].to_owned()
}
