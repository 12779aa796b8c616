//! Which deliveries a replay makes due again.

use jiff::Timestamp;

use super::StoreError;
use crate::models::{DeliveryId, Event, EventId, Signal};
use crate::outbox::{CUSTOMER_WAIT, DeliveryRecord, DeliveryState, runnable_as};
use crate::util::clock::later;

/// What runs again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReplayTarget {
    Delivery(DeliveryId),
    Event(EventId),
}

/// Whether a replay or a reconciliation is written, or only described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunMode {
    Dry,
    Real,
}

/// Whether it is known who paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CustomerKnowledge {
    Known,
    Unknown,
}

impl CustomerKnowledge {
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) const fn known_if(is_known: bool) -> Self {
        if is_known { Self::Known } else { Self::Unknown }
    }
}

/// A request for a replay.
#[derive(Debug, Clone)]
pub(crate) struct ReplayRequest {
    pub(crate) target: ReplayTarget,
    /// The receiver that runs it; the delivery's own unless given.
    pub(crate) to: Option<ReplayReceiver>,
    pub(crate) is_forced: bool,
    pub(crate) mode: RunMode,
    pub(crate) now: Timestamp,
    /// `signal:receiver`, for each receiver that waits until the provider has named the customer.
    pub(crate) awaiting: Vec<String>,
}

/// The receiver that is to run it.
#[derive(Debug, Clone)]
pub(crate) struct ReplayReceiver {
    pub(crate) id: String,
    /// Its id, and those that it was known by before.
    pub(crate) known_as: Vec<String>,
    pub(crate) signals: Vec<Signal>,
}

impl ReplayRequest {
    /// The deliveries to write, due at `due_at`, given the event and all deliveries that it has. Without a customer, those
    /// that need one wait for it again.
    pub(crate) fn decide(
        &self,
        event: &Event,
        existing: &[DeliveryRecord],
        customer: CustomerKnowledge,
        due_at: Timestamp,
    ) -> Result<Vec<DeliveryRecord>, ReplayError> {
        let mut replayed = self.due(event, existing, due_at)?;
        for delivery in replayed.iter_mut().filter(|_| customer == CustomerKnowledge::Unknown) {
            if self.awaiting.contains(&runnable_as(delivery.signal, &delivery.receiver)) {
                delivery.waits_for_customer = true;
                delivery.due_at = later(due_at, CUSTOMER_WAIT);
            }
        }
        Ok(replayed)
    }

    fn due(
        &self,
        event: &Event,
        existing: &[DeliveryRecord],
        due_at: Timestamp,
    ) -> Result<Vec<DeliveryRecord>, ReplayError> {
        let of = |signal: Signal, receiver: &ReplayReceiver| {
            existing.iter().find(|delivery| delivery.signal == signal && receiver.known_as.contains(&delivery.receiver))
        };
        match (&self.target, &self.to) {
            (ReplayTarget::Delivery(id), to) => {
                let delivery = existing.iter().find(|delivery| delivery.id == *id).ok_or(ReplayError::NotFound)?;
                let mut again = self.again(delivery, due_at)?;
                if let Some(to) = to.as_ref().filter(|to| !to.known_as.contains(&delivery.receiver)) {
                    let receiver = to.id.clone();
                    if !to.signals.contains(&delivery.signal) {
                        return Err(ReplayError::NotListening { receiver });
                    }
                    if of(delivery.signal, to).is_some() {
                        return Err(ReplayError::AlreadyThere { receiver });
                    }
                    again.receiver = receiver;
                }
                Ok(vec![again])
            }
            (ReplayTarget::Event(_), None) => Err(ReplayError::NotFound),
            (ReplayTarget::Event(_), Some(to)) => {
                let matching = event.transition.signals().iter().filter(|signal| to.signals.contains(signal));
                let replayed = matching.map(|signal| match of(*signal, to) {
                    Some(delivery) => self.again(delivery, due_at),
                    None => Ok(new_delivery(event, *signal, &to.id, due_at)),
                });
                let replayed = replayed.collect::<Result<Vec<_>, _>>()?;
                if replayed.is_empty() {
                    return Err(ReplayError::NotListening { receiver: to.id.clone() });
                }
                Ok(replayed)
            }
        }
    }

    /// The delivery as due again, unless it must not run again.
    fn again(&self, delivery: &DeliveryRecord, due_at: Timestamp) -> Result<DeliveryRecord, ReplayError> {
        let (state, error, waits_for_customer) = (DeliveryState::Due, None, false);
        match delivery.state {
            DeliveryState::Running => Err(ReplayError::Running { id: delivery.id }),
            DeliveryState::Succeeded if !self.is_forced => Err(ReplayError::Succeeded { id: delivery.id }),
            _ => {
                let (attempts, interruptions, is_replay) = (0, 0, true);
                let again = delivery.clone();
                Ok(DeliveryRecord {
                    state,
                    attempts,
                    interruptions,
                    is_replay,
                    due_at,
                    waits_for_customer,
                    error,
                    dismissal: None,
                    ..again
                })
            }
        }
    }
}

/// A delivery that the event doesn't have yet.
fn new_delivery(event: &Event, signal: Signal, receiver: &str, due_at: Timestamp) -> DeliveryRecord {
    DeliveryRecord {
        id: DeliveryId::new(),
        event_id: event.id,
        transaction_id: event.transaction_id,
        signal,
        receiver: receiver.to_owned(),
        state: DeliveryState::Due,
        attempts: 0,
        interruptions: 0,
        is_replay: true,
        due_at,
        waits_for_customer: false,
        error: None,
        created_at: due_at,
        dismissal: None,
    }
}

/// Why a delivery or an event can't be replayed.
///
/// ```no_run
/// # async fn again(athm: athm_core::Athm, delivery: athm_core::ids::DeliveryId) {
/// use athm_core::errors::ReplayError;
///
/// match athm.deliveries().replay(delivery).run().await {
///     Ok(_) => println!("it runs now"),
///     Err(ReplayError::UnknownReceiver { receiver }) => println!("{receiver} is gone: name another with `.to(…)`"),
///     Err(error) => println!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no such delivery, or no such event.
    #[error("there is no such delivery or event")]
    NotFound,
    /// This program has no such receiver.
    #[error("this program has no receiver {receiver:?}: name one that it has with `.to(…)`")]
    UnknownReceiver {
        /// The id of the receiver.
        receiver: String,
    },
    /// The receiver doesn't listen to any signal of the event.
    #[error("the receiver {receiver:?} listens to none of the event's signals")]
    NotListening {
        /// The id of the receiver.
        receiver: String,
    },
    /// The other receiver has a delivery of its own for this signal.
    #[error("the receiver {receiver:?} has a delivery of its own for this signal: replay that one")]
    AlreadyThere {
        /// The id of the receiver.
        receiver: String,
    },
    /// The delivery is running.
    #[error("the delivery {id} is running")]
    Running {
        /// The id of the delivery.
        id: DeliveryId,
    },
    /// The delivery has succeeded, and the replay isn't forced.
    #[error("the delivery {id} has succeeded: `.force()` runs it all the same")]
    Succeeded {
        /// The id of the delivery.
        id: DeliveryId,
    },
    /// The database failed.
    #[error("the database couldn't be written")]
    Store(#[from] StoreError),
}
