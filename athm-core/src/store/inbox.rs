//! Messages that are kept: those that wait for the provider's word, and those that came to nothing.

use jiff::Timestamp;
use uuid::Uuid;

use crate::models::{Amount, PaymentKey, Sender, Status, TransactionKind};

/// A message as the inbox keeps it.
#[derive(Debug, Clone)]
pub(crate) struct InboxMessage {
    pub(crate) id: Uuid,
    pub(crate) state: InboxState,
    pub(crate) key: Option<PaymentKey>,
    pub(crate) kind: Option<TransactionKind>,
    pub(crate) status: Option<Status>,
    /// What it claims has been given back, at least.
    pub(crate) refunded: Option<Amount>,
    /// Of a pending one: how many messages for the payment it stands for.
    pub(crate) version: i64,
    pub(crate) sender: Sender,
    /// The beginning of its body.
    pub(crate) body: String,
    pub(crate) received_at: Timestamp,
}

/// Why it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InboxState {
    /// The provider is asked again, then.
    Pending { attempts: u32, due_at: Timestamp },
    /// The provider says otherwise, or a check did.
    Refused { reason: String },
    /// It names no payment.
    Unmatched { reason: String },
}
