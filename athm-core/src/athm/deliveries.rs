//! Deliveries that need a person, and replaying them.

use super::{Athm, ReplayAll};
use crate::models::{DeliveryId, EventId};
use crate::outbox::{AttemptRecord, DeliveryRecord, awaiting_customer, ids, runnable};
use crate::receiver::ReceiverInfo;
use crate::store::{
    DeliveryCounts, DeliveryPage, DeliveryQuery, DeliverySelection, DismissError, Dismissal, ReplayError,
    ReplayReceiver, ReplayRequest, ReplayTarget, RunMode, StoreError,
};
use crate::util::clock::earlier;

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
        self.athm.store().list_deliveries(DeliverySelection::Dead).await
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
        self.athm.store().list_deliveries(DeliverySelection::Orphaned { due_before, runnable }).await
    }

    /// One by its id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn get(&self, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        Ok(self.athm.store().list_deliveries(DeliverySelection::One(id)).await?.pop())
    }

    /// A page of deliveries, newest first, of every state unless the query asks for one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn list(&self, query: DeliveryQuery) -> Result<DeliveryPage, StoreError> {
        self.athm.store().list_matching_deliveries(query).await
    }

    /// How many deliveries match, by their state; a state without any is absent. For an alarm or an admin page.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn counts(&self, query: DeliveryQuery) -> Result<DeliveryCounts, StoreError> {
        self.athm.store().count_deliveries(query).await
    }

    /// The attempts at a delivery that failed, and a success after a failure; oldest first. A delivery that succeeded at its
    /// first attempt has none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptRecord>, StoreError> {
        self.athm.store().list_attempts(id).await
    }

    /// Dismisses a dead delivery, or a due one: it is no problem any more, runs no more unless it is replayed, and is kept as
    /// long as dead ones are. The reason is kept with it: put nothing personal into it.
    ///
    /// # Errors
    ///
    /// [`DismissError`]: there is no such delivery, it runs, or it has succeeded.
    pub async fn dismiss(&self, id: DeliveryId, reason: impl Into<String>) -> Result<DeliveryRecord, DismissError> {
        let now = self.athm.clock().steady();
        self.athm.store().dismiss(Dismissal { id, reason: reason.into(), now }).await?
    }

    /// Runs many deliveries again: the dead ones that match, unless the query asks for another state.
    pub fn replay_all(&self, query: DeliveryQuery) -> ReplayAll<'a> {
        ReplayAll::new(self.athm, query)
    }

    /// Runs a delivery again, with its attempts counted anew and the same idempotency key. One that needs to know who paid
    /// waits for that again, and the provider is asked again.
    pub fn replay(&self, id: DeliveryId) -> Replay<'a> {
        Replay { athm: self.athm, target: ReplayTarget::Delivery(id), to: None, is_forced: false }
    }

    /// Runs one receiver for an event, once for each of the event's signals that it listens to: also for an event that
    /// a check has refused, or that is older than the receiver.
    pub fn replay_event(&self, event: EventId, receiver: impl Into<String>) -> Replay<'a> {
        Replay { athm: self.athm, target: ReplayTarget::Event(event), to: Some(receiver.into()), is_forced: false }
    }
}

/// A delivery that is to run again. Nothing happens before [`run`](Replay::run); [`dry_run`](Replay::dry_run) returns
/// what would run.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::ReplayError;
/// use athm_core::ids::DeliveryId;
///
/// async fn hand_over(athm: &Athm, delivery: DeliveryId) -> Result<(), ReplayError> {
///     let planned = athm.deliveries().replay(delivery).to("shop::fulfil").dry_run().await?;
///     println!("{} would run", planned.len());
///     athm.deliveries().replay(delivery).to("shop::fulfil").run().await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a replay does nothing until `run`"]
pub struct Replay<'a> {
    athm: &'a Athm,
    target: ReplayTarget,
    to: Option<String>,
    is_forced: bool,
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

    /// Returns what would run, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says why it can't run again.
    pub async fn dry_run(self) -> Result<Vec<DeliveryRecord>, ReplayError> {
        self.execute(RunMode::Dry).await
    }

    /// Makes it due now, and returns what runs.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says why it can't run again.
    pub async fn run(self) -> Result<Vec<DeliveryRecord>, ReplayError> {
        self.execute(RunMode::Real).await
    }

    pub(super) async fn execute(self, mode: RunMode) -> Result<Vec<DeliveryRecord>, ReplayError> {
        let to = match &self.to {
            Some(id) => {
                let receiver = self.receiver(id)?;
                let known_as = ids(&receiver).map(str::to_owned).collect();
                Some(ReplayReceiver { known_as, id: receiver.id().to_owned(), signals: receiver.signals().to_vec() })
            }
            None => {
                self.refuse_unknown_receiver().await?;
                None
            }
        };
        let Self { target, is_forced, .. } = self;
        let (now, awaiting) = (self.athm.clock().steady(), awaiting_customer(&self.athm.receivers()));
        let replay = ReplayRequest { target, to, is_forced, mode, now, awaiting };
        let replayed = self.athm.store().replay(replay).await??;
        self.athm.wake();
        Ok(replayed)
    }

    /// A delivery whose receiver this program doesn't have would only wait again.
    async fn refuse_unknown_receiver(&self) -> Result<(), ReplayError> {
        let ReplayTarget::Delivery(id) = self.target else { return Ok(()) };
        match self.athm.deliveries().get(id).await? {
            Some(delivery) if self.receiver(&delivery.receiver)?.signals().contains(&delivery.signal) => Ok(()),
            Some(delivery) => Err(ReplayError::NotListening { receiver: delivery.receiver }),
            None => Err(ReplayError::NotFound),
        }
    }

    fn receiver(&self, id: &str) -> Result<ReceiverInfo, ReplayError> {
        let known = self.athm.receivers().into_iter().find(|receiver| receiver.is_known_as(id));
        known.ok_or_else(|| ReplayError::UnknownReceiver { receiver: id.to_owned() })
    }
}
