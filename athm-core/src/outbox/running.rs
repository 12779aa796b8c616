//! The deliveries that this process has claimed and not acknowledged yet.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio::sync::watch;

use super::{Attempt, ClaimId, LEASE};
use crate::models::DeliveryId;
use crate::util::clock::later;
use crate::util::in_flight::{InFlight, InFlightGuard};

/// The deliveries that run in this process, for the renewal of leases, for shutdown and for `idle`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    deliveries: watch::Sender<HashMap<DeliveryId, ClaimedAttempt>>,
    /// Claims whose result isn't known yet: they may add deliveries.
    claims: InFlight,
}

/// The attempt that runs, and whether its receiver was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClaimedAttempt {
    pub(crate) attempt: Attempt,
    pub(crate) has_started: bool,
    /// The steady time at which its lease began, or before that.
    claimed_at: Timestamp,
}

impl Running {
    pub(crate) fn claimed(&self, claimed: impl Iterator<Item = (DeliveryId, Attempt)>, claimed_at: Timestamp) {
        let attempts = claimed.map(|(id, attempt)| (id, ClaimedAttempt { attempt, has_started: false, claimed_at }));
        self.deliveries.send_modify(|running| running.extend(attempts));
    }

    pub(crate) fn started(&self, id: DeliveryId) {
        // Nothing waits for a start, so that this notifies no task.
        self.deliveries.send_if_modified(|running| {
            running.entry(id).and_modify(|attempt| attempt.has_started = true);
            false
        });
    }

    /// That claim has ended. A later one of the same delivery may run already.
    pub(crate) fn ended(&self, id: DeliveryId, claim: ClaimId) {
        self.deliveries.send_if_modified(|running| {
            let is_that = running.get(&id).is_some_and(|running| running.attempt.claim == claim);
            is_that && running.remove(&id).is_some()
        });
    }

    /// Those whose leases may have ended although they run here: if they weren't renewed in time. All others are due for no
    /// process.
    pub(crate) fn with_old_leases(&self, now: Timestamp) -> Vec<DeliveryId> {
        let running = self.deliveries.borrow();
        let old = running.iter().filter(|(_, running)| later(running.claimed_at, LEASE / 2) <= now);
        old.map(|(id, _)| *id).collect()
    }

    pub(crate) fn all(&self) -> Vec<(DeliveryId, ClaimedAttempt)> {
        self.deliveries.borrow().iter().map(|(id, attempt)| (*id, *attempt)).collect()
    }

    /// Counts a claim as in flight until the guard is dropped.
    pub(crate) fn claiming(&self) -> InFlightGuard {
        self.claims.enter()
    }

    /// Removes these deliveries when it is dropped, also when the task that runs them panics or is cancelled.
    pub(crate) fn guard(&self, claims: Vec<(DeliveryId, ClaimId)>) -> Guard {
        Guard { running: self.clone(), claims }
    }

    /// Waits until no claim is in flight.
    pub(crate) async fn no_claims(&self) {
        self.claims.wait_until_zero().await;
    }

    /// Whether no delivery runs and no claim is in flight.
    pub(crate) fn is_idle(&self) -> bool {
        // Claims first: one that ends in between has added its deliveries.
        self.claims.is_none() && self.deliveries.borrow().is_empty()
    }

    /// Waits until no delivery runs and no claim is in flight.
    pub(crate) async fn wait_until_idle(&self) {
        let mut deliveries = self.deliveries.subscribe();
        while !self.is_idle() {
            self.claims.wait_until_zero().await;
            // The sender lives as long as `self`, so this ends only when no delivery runs.
            let _ = deliveries.wait_for(HashMap::is_empty).await;
        }
    }
}

/// See [`Running::guard`].
pub(crate) struct Guard {
    running: Running,
    claims: Vec<(DeliveryId, ClaimId)>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.claims.iter().for_each(|(id, claim)| self.running.ended(*id, *claim));
    }
}
