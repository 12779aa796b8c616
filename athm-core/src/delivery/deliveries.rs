//! Deliveries as a person sees them, and running them again.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::runnable;
use crate::clock::earlier;
use crate::store::DeliveryQuery;
use crate::{Athm, DeliveryId, Event, EventId, ReceiverInfo, Signal, StoreError, TransactionId};

/// A delivery as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRecord {
    /// Its id, which is its idempotency key.
    pub id: DeliveryId,
    /// The event that it tells of.
    pub event_id: EventId,
    /// The transaction that the event is about.
    pub transaction_id: TransactionId,
    /// The signal that it carries.
    pub signal: Signal,
    /// The receiver's id.
    pub receiver: String,
    /// How it stands.
    pub state: DeliveryState,
    /// How many attempts were begun, since the last replay.
    pub attempts: u32,
    /// Whether somebody asked for it to run again.
    pub is_replay: bool,
    /// When it may be claimed; of a running one, when its lease ends.
    pub due_at: Timestamp,
    /// How the last attempt failed.
    pub error: Option<String>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeliveryState {
    /// It runs when its time has come.
    Due,
    /// It runs, or its process has died and its lease has not yet ended.
    Running,
    /// Its receiver has succeeded. It is not run again, unless somebody forces it.
    Succeeded,
    /// Its attempts are used up, or its error was permanent. It is kept, and can be replayed.
    Dead,
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Due => "due",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
        })
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownDeliveryState;

    fn from_str(text: &str) -> Result<Self, UnknownDeliveryState> {
        [Self::Due, Self::Running, Self::Succeeded, Self::Dead]
            .into_iter()
            .find(|state| state.to_string() == text)
            .ok_or_else(|| UnknownDeliveryState(text.to_owned()))
    }
}

/// A word that names no state of a delivery.
///
/// ```
/// let error = "lost".parse::<athm_core::DeliveryState>().unwrap_err();
/// assert_eq!(error.to_string(), "expected due, running, succeeded or dead, found \"lost\"");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("expected due, running, succeeded or dead, found {0:?}")]
pub struct UnknownDeliveryState(String);

/// Deliveries that need a person: [`Athm::deliveries`].
///
/// ```no_run
/// # async fn look_after(athm: athm_core::Athm) -> Result<(), Box<dyn std::error::Error>> {
/// for delivery in athm.deliveries().dead().await? {
///     println!("{} failed: {}", delivery.receiver, delivery.error.unwrap_or_default());
///     athm.deliveries().replay(delivery.id).run().await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Deliveries<'a> {
    pub(crate) athm: &'a Athm,
}

impl<'a> Deliveries<'a> {
    /// Those whose attempts are used up, or whose error was permanent: the newest 1,000, newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn dead(&self) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.athm.store().deliveries(DeliveryQuery::Dead).await
    }

    /// Those that have been due for a day (or what the builder says) and whose receiver this program doesn't have, or not
    /// for that signal any more: it was renamed, removed, changed, or dropped by the linker. The oldest 1,000, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn orphaned(&self) -> Result<Vec<DeliveryRecord>, StoreError> {
        let runnable = runnable(&self.athm.receivers());
        let due_before = earlier(self.athm.clock().steady(), self.athm.orphaned_after());
        self.athm.store().deliveries(DeliveryQuery::Orphaned { due_before, runnable }).await
    }

    /// One by its id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn get(&self, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        Ok(self.athm.store().deliveries(DeliveryQuery::One(id)).await?.pop())
    }

    /// Runs a delivery again, with its attempts counted anew and the same idempotency key.
    pub fn replay(&self, id: DeliveryId) -> Replay<'a> {
        Replay { athm: self.athm, what: What::Delivery(id), to: None, is_forced: false }
    }

    /// Runs one receiver for an event, once for each of the event's signals that it listens to: also for an event that
    /// a check has refused, or that is older than the receiver.
    pub fn replay_event(&self, event: EventId, receiver: impl Into<String>) -> Replay<'a> {
        Replay { athm: self.athm, what: What::Event(event), to: Some(receiver.into()), is_forced: false }
    }
}

/// A delivery that is to run again. Nothing happens before [`run`](Replay::run); [`dry_run`](Replay::dry_run) tells
/// what would.
#[derive(Debug, Clone)]
#[must_use = "a replay does nothing until `run`"]
pub struct Replay<'a> {
    athm: &'a Athm,
    what: What,
    to: Option<String>,
    is_forced: bool,
}

/// What is to run again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Delivery(DeliveryId),
    Event(EventId),
}

/// Whether it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Dry,
    Real,
}

/// A replay as the store is asked for it.
#[derive(Debug, Clone)]
pub(crate) struct ReplayOf {
    pub(crate) what: What,
    /// The receiver that is to run it, with what it listens to; the delivery's own unless given.
    pub(crate) to: Option<(String, Vec<Signal>)>,
    pub(crate) is_forced: bool,
    pub(crate) run: Run,
    pub(crate) now: Timestamp,
}

impl ReplayOf {
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
            (What::Delivery(id), to) => {
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
            (What::Event(_), None) => Err(ReplayError::NotFound),
            (What::Event(_), Some((receiver, signals))) => {
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

impl Replay<'_> {
    /// Has another receiver run it: one that was renamed, say.
    pub fn to(mut self, receiver: impl Into<String>) -> Self {
        self.to = Some(receiver.into());
        self
    }

    /// Runs it even if it has succeeded.
    pub fn force(mut self) -> Self {
        self.is_forced = true;
        self
    }

    /// Tells what would run, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says why it can't run again.
    pub async fn dry_run(self) -> Result<Vec<DeliveryRecord>, ReplayError> {
        self.execute(Run::Dry).await
    }

    /// Makes it due now, and tells what runs.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says why it can't run again.
    pub async fn run(self) -> Result<Vec<DeliveryRecord>, ReplayError> {
        self.execute(Run::Real).await
    }

    async fn execute(self, run: Run) -> Result<Vec<DeliveryRecord>, ReplayError> {
        let to = match &self.to {
            Some(id) => Some((id.clone(), self.receiver(id)?.signals().to_vec())),
            None => {
                self.refuse_unknown_receiver().await?;
                None
            }
        };
        let Self { what, is_forced, .. } = self;
        let replay = ReplayOf { what, to, is_forced, run, now: self.athm.clock().steady() };
        let replayed = self.athm.store().replay(replay).await??;
        self.athm.wake();
        Ok(replayed)
    }

    /// A delivery that nobody here can take would only wait again.
    async fn refuse_unknown_receiver(&self) -> Result<(), ReplayError> {
        let What::Delivery(id) = self.what else { return Ok(()) };
        match self.athm.deliveries().get(id).await? {
            Some(delivery) if self.receiver(&delivery.receiver)?.signals().contains(&delivery.signal) => Ok(()),
            Some(delivery) => Err(ReplayError::NotListening { receiver: delivery.receiver }),
            None => Err(ReplayError::NotFound),
        }
    }

    fn receiver(&self, id: &str) -> Result<ReceiverInfo, ReplayError> {
        let known = self.athm.receivers().into_iter().find(|receiver| receiver.id() == id);
        known.ok_or_else(|| ReplayError::UnknownReceiver { receiver: id.to_owned() })
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
