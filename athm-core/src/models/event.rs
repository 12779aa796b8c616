//! What happened.

use jiff::Timestamp;

use super::{EventId, Sender, TransactionId, Transition};

/// One transition of one transaction, recorded once: what a payment's signals report. See
/// [`Athm::events`](crate::Athm::events).
///
/// ```
/// use athm_core::transactions::Event;
///
/// fn print(event: &Event) {
///     println!("{}: {:?}, reported by {}", event.created_at(), event.transition(), event.sender());
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub(crate) id: EventId,
    pub(crate) transaction_id: TransactionId,
    pub(crate) transition: Transition,
    pub(crate) sender: Sender,
    pub(crate) rejection: Option<String>,
    pub(crate) created_at: Timestamp,
}

impl Event {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The transaction that it happened to.
    #[must_use]
    pub fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// What happened.
    #[must_use]
    pub fn transition(&self) -> &Transition {
        &self.transition
    }

    /// The source that reported it first.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Why a check of the program's own refused it; no receiver runs for it then.
    #[must_use]
    pub fn rejection(&self) -> Option<&str> {
        self.rejection.as_deref()
    }

    /// When it was recorded.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }
}
