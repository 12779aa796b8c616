//! What a receiver may know of its own delivery.

use uuid::Uuid;

use super::{Context, FromContext, Rejection};
use crate::models::{DeliveryId, EventId};

/// The delivery that a receiver runs for: which attempt this is, and the key that makes its effect repeatable.
///
/// A durable delivery runs at least once. A receiver that must not do its work twice has three ways: it
/// [completes](Delivery::complete_in) the delivery in the database transaction that has its own rows; it keeps the
/// [`idempotency_key`](Delivery::idempotency_key) together with what it did, and asks for it first; or it hands the key on to
/// a service that takes one. The guide page [Exactly once](crate::guide::exactly_once) compares them.
///
/// ```
/// use athm_core::{Delivery, Transaction, receiver};
///
/// #[receiver(completed)]
/// fn ship(transaction: &Transaction, delivery: Delivery) {
///     println!("{}: shipping {}", delivery.idempotency_key(), transaction.metadata_1());
///     if delivery.is_last_attempt() {
///         println!("this is the last attempt");
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) event_id: Option<EventId>,
    pub(crate) attempt: u32,
    pub(crate) attempts: u32,
    pub(crate) is_replay: bool,
    pub(crate) claim: DeliveryClaim,
}

/// What holds the delivery while the receiver runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryClaim {
    /// Nothing: a dispatch by hand stores nothing.
    ByHand,
    /// Nothing either: a test calls the receiver as if it were delivered.
    Pretended,
    /// A claim, with its identity.
    Held { claim: Uuid, database: Database },
}

/// The sort of database in which athm stores deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Delivery {
    /// The same on every attempt and replay of this delivery, different for every receiver and signal.
    #[must_use]
    pub fn idempotency_key(&self) -> DeliveryId {
        self.id
    }

    /// The event that it is about; `None` in a dispatch by hand, where nothing is recorded.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        self.event_id
    }

    /// Which attempt this is, from 1. An attempt that ended with its process isn't counted, unless two processes in a row
    /// ended while the delivery ran: the receiver may have begun before, also at 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether no retry follows if this attempt fails.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.attempts
    }

    /// Whether it was replayed.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        self.is_replay
    }

    /// Whether it is recorded, and tried again when it fails; not so in a dispatch by hand.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.event_id.is_some()
    }

    fn by_hand() -> Self {
        let claim = DeliveryClaim::ByHand;
        Self { id: DeliveryId::new(), event_id: None, attempt: 1, attempts: 1, is_replay: false, claim }
    }
}

impl<'a> FromContext<'a> for Delivery {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(context.signal_context.delivery.copied().unwrap_or_else(Self::by_hand))
    }
}
