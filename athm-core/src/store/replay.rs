//! Which deliveries a replay makes due again.

use jiff::Timestamp;

use super::StoreError;
use crate::models::{DeliveryId, Event, EventId, Signal};
use crate::outbox::{DeliveryRecord, DeliveryState};

/// ReplayTarget is to run again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReplayTarget {
    Delivery(DeliveryId),
    Event(EventId),
}

/// Whether it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplayMode {
    Dry,
    Real,
}

/// A replay as the store is asked for it.
#[derive(Debug, Clone)]
pub(crate) struct ReplayRequest {
    pub(crate) what: ReplayTarget,
    /// The receiver that is to run it, with what it listens to; the delivery's own unless given.
    pub(crate) to: Option<(String, Vec<Signal>)>,
    pub(crate) is_forced: bool,
    pub(crate) run: ReplayMode,
    pub(crate) now: Timestamp,
}

impl ReplayRequest {
    /// The deliveries as they are to be written, due at that time, given their event and all deliveries that it has.
    pub(crate) fn decide(
        &self,
        event: &Event,
        known: &[DeliveryRecord],
        due_at: Timestamp,
    ) -> Result<Vec<DeliveryRecord>, ReplayError> {
        let of = |signal: Signal, receiver: &str| {
            known.iter().find(|delivery| delivery.signal == signal && delivery.receiver == receiver)
        };
        match (&self.what, &self.to) {
            (ReplayTarget::Delivery(id), to) => {
                let delivery = known.iter().find(|delivery| delivery.id == *id).ok_or(ReplayError::NotFound)?;
                let mut again = self.again(delivery, due_at)?;
                if let Some((receiver, signals)) = to.as_ref().filter(|(receiver, _)| *receiver != delivery.receiver) {
                    let receiver = receiver.clone();
                    if !signals.contains(&delivery.signal) {
                        return Err(ReplayError::NotListening { receiver });
                    }
                    if of(delivery.signal, &receiver).is_some() {
                        return Err(ReplayError::AlreadyThere { receiver });
                    }
                    again.receiver = receiver;
                }
                Ok(vec![again])
            }
            (ReplayTarget::Event(_), None) => Err(ReplayError::NotFound),
            (ReplayTarget::Event(_), Some((receiver, signals))) => {
                let heard = event.transition.signals().iter().filter(|signal| signals.contains(signal));
                let replayed = heard.map(|signal| match of(*signal, receiver) {
                    Some(delivery) => self.again(delivery, due_at),
                    None => Ok(made(event, *signal, receiver, due_at)),
                });
                let replayed = replayed.collect::<Result<Vec<_>, _>>()?;
                if replayed.is_empty() {
                    return Err(ReplayError::NotListening { receiver: receiver.clone() });
                }
                Ok(replayed)
            }
        }
    }

    /// As it is once it is due again, unless it must not run again.
    fn again(&self, delivery: &DeliveryRecord, due_at: Timestamp) -> Result<DeliveryRecord, ReplayError> {
        let (state, error) = (DeliveryState::Due, None);
        match delivery.state {
            DeliveryState::Running => Err(ReplayError::Running { id: delivery.id }),
            DeliveryState::Succeeded if !self.is_forced => Err(ReplayError::Succeeded { id: delivery.id }),
            _ => Ok(DeliveryRecord { state, attempts: 0, is_replay: true, due_at, error, ..delivery.clone() }),
        }
    }
}

/// One that the event doesn't have yet.
fn made(event: &Event, signal: Signal, receiver: &str, due_at: Timestamp) -> DeliveryRecord {
    DeliveryRecord {
        id: DeliveryId::new(),
        event_id: event.id,
        transaction_id: event.transaction_id,
        signal,
        receiver: receiver.to_owned(),
        state: DeliveryState::Due,
        attempts: 0,
        is_replay: true,
        due_at,
        error: None,
    }
}

/// Why something can't run again.
///
/// ```no_run
/// # async fn again(athm: athm_core::Athm, delivery: athm_core::DeliveryId) {
/// use athm_core::ReplayError;
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
        /// The receiver that was named.
        receiver: String,
    },
    /// The receiver doesn't listen to any signal of the event.
    #[error("the receiver {receiver:?} listens to none of the event's signals")]
    NotListening {
        /// The receiver that was named.
        receiver: String,
    },
    /// The other receiver has a delivery of its own for that.
    #[error("the receiver {receiver:?} has a delivery of its own for that: replay that one")]
    AlreadyThere {
        /// The receiver that was named.
        receiver: String,
    },
    /// It runs.
    #[error("the delivery {id} is running")]
    Running {
        /// The delivery.
        id: DeliveryId,
    },
    /// It has succeeded.
    #[error("the delivery {id} has succeeded: `.force()` runs it all the same")]
    Succeeded {
        /// The delivery.
        id: DeliveryId,
    },
    /// The database can't do it.
    #[error("the database couldn't be written")]
    Store(#[from] StoreError),
}
