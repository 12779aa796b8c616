//! What became of a message, for its sender and for its copy.

use std::net::IpAddr;

use super::pending::PendingMessage;
use super::{Inbox, MessageResult};
use crate::callback::Envelope;
use crate::models::{MessageId, PaymentKey, Sender, Transaction, TransactionId};
use crate::store::{MessageCopy, MessageLane, MessageState, ProcessedMessage, StoreError};
use crate::util::limit::LogLimit;

/// How much of a message's body is stored, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Lines about messages that came to nothing.
static REFUSED: LogLimit = LogLimit::new();

/// What became of a message.
#[derive(Debug, Clone)]
pub(crate) struct MessageOutcome {
    pub(crate) result: MessageResult,
    pub(crate) state: MessageState,
    /// Why it was refused, or why it matches no payment.
    pub(crate) reason: Option<String>,
    /// The payment that it names, if it is settled later.
    pub(crate) key: Option<PaymentKey>,
    /// The payment that it led to.
    pub(crate) transaction: Option<TransactionId>,
}

impl MessageOutcome {
    pub(super) fn recorded(result: MessageResult, transaction: TransactionId) -> Self {
        Self { result, state: MessageState::Recorded, reason: None, key: None, transaction: Some(transaction) }
    }

    pub(super) fn pending(key: PaymentKey, transaction: Option<TransactionId>) -> Self {
        Self { result: MessageResult::Pending, state: MessageState::Pending, reason: None, key: Some(key), transaction }
    }

    pub(super) fn refused(reason: impl Into<String>, transaction: Option<TransactionId>) -> Self {
        let (result, state) = (MessageResult::Refused, MessageState::Refused);
        Self { result, state, reason: Some(reason.into()), key: None, transaction }
    }

    pub(super) fn unmatched(reason: impl Into<String>) -> Self {
        let (result, state) = (MessageResult::Known, MessageState::Unmatched);
        Self { result, state, reason: Some(reason.into()), key: None, transaction: None }
    }

    fn lane(&self) -> MessageLane {
        if self.result == MessageResult::Recorded { MessageLane::News } else { MessageLane::Other }
    }
}

impl Inbox {
    /// Stores the copy of a message that was just settled, behind its answer. Only of a message that names no payment the
    /// copy is waited for: nothing else of it is durable.
    pub(super) async fn store_copy(
        &self,
        outcome: MessageOutcome,
        sender: Sender,
        envelope: Envelope,
    ) -> Result<MessageResult, StoreError> {
        let (result, state) = (outcome.result, outcome.state);
        if matches!(state, MessageState::Refused | MessageState::Unmatched) {
            let reason = outcome.reason.as_deref().unwrap_or_default();
            warn(&sender, result.http_status(), reason, envelope.size(), envelope.remote_address);
        }
        if !self.copies.policy().wants(state) {
            return Ok(result);
        }
        let lane = outcome.lane();
        let MessageOutcome { reason, key, transaction, .. } = outcome;
        let copy = self.new_copy(state, lane, sender, envelope, result.http_status());
        let copy = MessageCopy { reason, key, transaction, ..copy };
        match state {
            MessageState::Unmatched => self.copies.write(copy).await?,
            _ => self.copies.add(copy),
        }
        Ok(result)
    }

    /// Stores a copy of a message that never came in here: the web layer, or a callback of the program's own, has answered
    /// it. An answer of 400 or more is logged.
    pub(crate) fn store_answered(&self, sender: Sender, envelope: Envelope, answer: u16, reason: Option<&str>) {
        let is_error = answer >= 400;
        if is_error {
            warn(&sender, answer, reason.unwrap_or_default(), envelope.size(), envelope.remote_address);
        }
        let state = if is_error { MessageState::Refused } else { MessageState::Recorded };
        if self.copies.policy().wants(state) {
            let copy = self.new_copy(state, MessageLane::Other, sender, envelope, answer);
            self.copies.add(MessageCopy { reason: reason.map(ToOwned::to_owned), ..copy });
        }
    }

    /// A message that was pending is settled, or waits on.
    pub(super) fn update_copies(&self, message: &PendingMessage, outcome: MessageOutcome) {
        let MessageOutcome { state, reason, transaction, .. } = outcome;
        if state == MessageState::Pending {
            return;
        }
        if state == MessageState::Refused {
            let (payment, sender, reason) = (&message.key, &message.sender, reason.as_deref().unwrap_or_default());
            REFUSED.log(|| tracing::warn!(%payment, route = %sender, reason, "refused a message that was pending"));
        }
        let processed_at = self.clock.now();
        self.copies.update(ProcessedMessage { key: message.key.clone(), state, reason, transaction, processed_at });
    }

    /// A payment has ended. Messages about it that were pending were deleted with that, without an outcome of their own.
    pub(super) fn update_copies_of(&self, ended: &Transaction) {
        if !self.copies.policy().recorded {
            return;
        }
        let ecommerce_id = ended.ecommerce_id.map(PaymentKey::Ecommerce);
        let reference = ended.reference_number.clone().map(PaymentKey::Reference);
        let (state, reason, processed_at) = (MessageState::Recorded, None, self.clock.now());
        for key in [ecommerce_id, reference].into_iter().flatten() {
            let (reason, transaction) = (reason.clone(), Some(ended.id));
            self.copies.update(ProcessedMessage { key, state, reason, transaction, processed_at });
        }
    }

    fn new_copy(
        &self,
        state: MessageState,
        lane: MessageLane,
        sender: Sender,
        envelope: Envelope,
        answer: u16,
    ) -> MessageCopy {
        let (size, received_at) = (envelope.size(), self.clock.now());
        let Envelope { body, content_type, remote_address, .. } = envelope;
        let body = body[..body.len().min(MAX_BODY)].into();
        MessageCopy {
            id: MessageId::new(),
            state,
            lane,
            sender,
            content_type,
            remote_address,
            size,
            body,
            answer,
            reason: None,
            key: None,
            transaction: None,
            received_at,
        }
    }
}

/// One line, without contents.
fn warn(route: &Sender, answer: u16, reason: &str, size: u64, remote_address: Option<IpAddr>) {
    let remote = remote_address.map(tracing::field::display);
    REFUSED.log(|| tracing::warn!(%route, answer, reason, size, remote, "a message came to nothing"));
}
