//! Messages that are stored to be retried.

use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use super::judge::{Verdict, judge, stated_detail};
use super::lookup::is_known;
use super::{Inbox, MessageOutcome};
use crate::callback::Message;
use crate::models::{
    Amount, PaymentKey, RefundStatement, RefundStatements, Sender, Status, Transaction, TransactionKind,
};
use crate::store::{InboxMessage, InboxState, StoreError};
use crate::util::backoff::Backoff;
use crate::util::clock::later;
use crate::util::text::causes;

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
    /// How many lookups were made for it before.
    pub(super) attempts: u32,
    /// Of a stored one: how many messages for this payment it stands for. A newer message raises it.
    pub(super) version: Option<i64>,
}

impl PendingMessage {
    /// One that has just arrived.
    pub(super) fn new(message: &Message, key: PaymentKey, sender: Sender) -> Self {
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
            attempts: 0,
            version: None,
        }
    }

    /// One that was stored to be retried.
    fn stored(stored: InboxMessage) -> Option<Self> {
        let InboxMessage { key, kind, status, refunded, refunds, sender, state, version, .. } = stored;
        let InboxState::Pending { attempts, .. } = state else { return None };
        Some(Self { key: key?, kind, status, refunded, refunds, sender, attempts, version: Some(version) })
    }

    /// Of a new message: what it states counts from how the payment is recorded now.
    pub(super) fn since(mut self, recorded: Option<&Transaction>) -> Self {
        if let (None, Some(recorded)) = (self.version, recorded) {
            self.refunds = self.refunds.since(recorded);
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
    pub(super) fn is_contradicted_by(&self, recorded: &Transaction) -> bool {
        let is_paid = recorded.status == Status::Completed && recorded.verified;
        is_paid && !self.is_refund() && judge(self.status.as_ref(), None, recorded) == Verdict::Contradicted
    }

    /// Whether it states of an ended payment only what the provider has already reported: a duplicate costs no lookup.
    pub(super) fn is_duplicate_of(&self, recorded: &Transaction) -> bool {
        let is_settled = recorded.status.is_final() && recorded.verified;
        let states_an_end = self.status.as_ref().is_some_and(Status::is_final) && !self.is_refund();
        is_settled && states_an_end && self.verdict(recorded) == Verdict::Verified
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
        let retries = due.into_iter().filter_map(PendingMessage::stored).map(|message| async move {
            match self.process(lookup, message.clone()).await {
                Ok(outcome) => {
                    self.update_copies(&message, outcome);
                    Ok(())
                }
                Err(error) => {
                    if !matches!(error, StoreError::Closed) {
                        tracing::error!(payment = %message.key, error = %causes(&error), "a pending message couldn't be settled; it is retried");
                    }
                    Err(error)
                }
            }
        });
        // One that fails holds up none of the others.
        join_all(retries).await.into_iter().collect()
    }

    /// Retries a message that the provider doesn't confirm yet, unless its lookups are used up. A message about a payment
    /// that we know is retried until the provider decides.
    pub(super) async fn retry_or_give_up(
        &self,
        message: PendingMessage,
        recorded: Option<&Transaction>,
    ) -> Result<MessageOutcome, StoreError> {
        let states_refund = message.refunded.is_some() || !message.refunds.is_empty();
        if message.attempts >= MAX_LOOKUPS && (states_refund || !is_known(recorded)) {
            return self.refuse(message, "the provider didn't confirm it within a day", recorded).await;
        }
        self.retry_later(message, recorded).await
    }

    /// The provider says that there is no such payment. Its search and its `find` lag behind, so that this refuses at once
    /// only an ecommerceId that we don't know; a payment that we know can't be asked about now.
    pub(super) async fn retry_or_refuse_unknown(
        &self,
        message: PendingMessage,
        recorded: Option<&Transaction>,
        reason: &str,
    ) -> Result<MessageOutcome, StoreError> {
        let most = match (&message.key, is_known(recorded)) {
            (_, true) => MAX_LOOKUPS,
            (PaymentKey::Reference(_), false) => MAX_UNKNOWN_LOOKUPS,
            (PaymentKey::Ecommerce(_), false) => 0,
        };
        if message.attempts >= most {
            return self.refuse(message, reason, recorded).await;
        }
        self.retry_later(message, recorded).await
    }

    /// Stores a message to be retried. [`StoreError::Busy`] when too many about payments that we don't know are being stored:
    /// a flood of invented ids fills no more than its part of the store's queue.
    pub(super) async fn retry_later(
        &self,
        message: PendingMessage,
        recorded: Option<&Transaction>,
    ) -> Result<MessageOutcome, StoreError> {
        let is_new = message.version.is_none();
        let permit = (is_new && !is_known(recorded)).then(|| self.unknown_pending.try_acquire());
        let _permit = permit.transpose().map_err(|_| StoreError::Busy)?;
        let due_at = later(self.clock.steady(), BACKOFF.pause_after(message.attempts.saturating_add(1)));
        let state = InboxState::Pending { attempts: message.attempts.saturating_add(1), due_at };
        let key = message.key.clone();
        self.store.insert_message(self.row(message, state)).await?;
        self.message_pending.notify_one();
        Ok(MessageOutcome::pending(key, recorded.map(|recorded| recorded.id)))
    }

    /// The message is refused, and needs no further lookup.
    pub(super) async fn refuse(
        &self,
        message: PendingMessage,
        reason: &str,
        recorded: Option<&Transaction>,
    ) -> Result<MessageOutcome, StoreError> {
        self.delete_pending(message.key, message.version).await?;
        Ok(MessageOutcome::refused(reason, recorded.map(|recorded| recorded.id)))
    }

    /// Stores a message for a person to look at, in place of the pending one.
    pub(super) async fn end(&self, message: PendingMessage, state: InboxState) -> Result<(), StoreError> {
        let (key, version) = (message.key.clone(), message.version);
        self.store.insert_message(self.row(message, state)).await?;
        self.delete_pending(key, version).await
    }

    /// The message is settled: it needs no further lookup.
    pub(super) async fn accept(
        &self,
        message: &PendingMessage,
        outcome: MessageOutcome,
    ) -> Result<MessageOutcome, StoreError> {
        self.delete_pending(message.key.clone(), message.version).await?;
        Ok(outcome)
    }

    /// Deletes the stored message, unless another message for the same payment has arrived meanwhile.
    async fn delete_pending(&self, key: PaymentKey, version: Option<i64>) -> Result<(), StoreError> {
        match version {
            Some(version) => self.store.delete_pending(key, version).await,
            None => Ok(()),
        }
    }

    fn row(&self, message: PendingMessage, state: InboxState) -> InboxMessage {
        let PendingMessage { key, kind, status, refunded, refunds, sender, .. } = message;
        InboxMessage { key: Some(key), kind, status, refunded, refunds, sender, ..self.new_row(state) }
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
            received_at: self.clock.now(),
        }
    }
}
