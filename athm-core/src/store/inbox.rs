//! Messages that are stored: pending ones, and refunds that belong to no payment we know.

use jiff::Timestamp;
use uuid::Uuid;

use crate::models::{Amount, PaymentKey, RefundStatements, Sender, Status, TransactionKind};

/// A message as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct InboxMessage {
    pub(crate) id: Uuid,
    pub(crate) state: InboxState,
    pub(crate) key: Option<PaymentKey>,
    pub(crate) kind: Option<TransactionKind>,
    pub(crate) status: Option<Status>,
    /// The least refunded amount that it states.
    pub(crate) refunded: Option<Amount>,
    /// The single refunds that it states; of an unmatched one, the refund that belongs to no payment we know.
    pub(crate) refunds: RefundStatements,
    /// Counts the messages that were merged into a pending one.
    pub(crate) version: i64,
    pub(crate) sender: Sender,
    pub(crate) received_at: Timestamp,
}

impl InboxMessage {
    /// The stated refunds, as they are stored; `None` when there are none.
    pub(super) fn stored_refunds(&self) -> Option<String> {
        (!self.refunds.is_empty()).then(|| self.refunds.to_string())
    }
}

/// Why a message is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InboxState {
    /// The provider is asked again at `due_at`.
    Pending { attempts: u32, due_at: Timestamp },
    /// It names a refund that belongs to no payment we know.
    Unmatched { reason: String },
}
