//! The deliveries that this process has claimed and not acknowledged.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::models::DeliveryId;
use crate::util::in_flight::{InFlight, InFlightGuard};

/// Which deliveries this process holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    held: watch::Sender<HashMap<DeliveryId, ClaimedAttempt>>,
    /// Claims under way, of which nobody knows yet what they bring.
    claims: InFlight,
}

/// How far one has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClaimedAttempt {
    pub(crate) attempt: u32,
    pub(crate) has_started: bool,
}

impl Running {
    pub(crate) fn claimed(&self, claimed: impl Iterator<Item = (DeliveryId, u32)>) {
        let held = claimed.map(|(id, attempt)| (id, ClaimedAttempt { attempt, has_started: false }));
        self.held.send_modify(|running| running.extend(held));
    }

    pub(crate) fn started(&self, id: DeliveryId) {
        self.held.send_if_modified(|running| {
            running.entry(id).and_modify(|held| held.has_started = true);
            false
        });
    }

    pub(crate) fn ended(&self, id: DeliveryId) {
        self.held.send_if_modified(|running| running.remove(&id).is_some());
    }

    pub(crate) fn all(&self) -> Vec<(DeliveryId, ClaimedAttempt)> {
        self.held.borrow().iter().map(|(id, held)| (*id, *held)).collect()
    }

    pub(crate) fn claiming(&self) -> InFlightGuard {
        self.claims.enter()
    }

    /// Lets go of these when it is dropped, whatever becomes of the task that holds it.
    pub(crate) fn guard(&self, ids: Vec<DeliveryId>) -> Guard {
        Guard { running: self.clone(), ids }
    }

    /// Waits until nothing is claimed any more.
    pub(crate) async fn claimed_all(&self) {
        self.claims.none().await;
    }

    /// Waits until there is none.
    pub(crate) async fn none(&self) {
        let mut held = self.held.subscribe();
        while !held.borrow_and_update().is_empty() || !self.claims.is_none() {
            self.claims.none().await;
            // The sender is alive as long as `self` is, so this ends only when nothing runs.
            let _ = held.wait_for(HashMap::is_empty).await;
        }
    }
}

/// What a task holds; see [`Running::guard`].
pub(crate) struct Guard {
    running: Running,
    ids: Vec<DeliveryId>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.ids.iter().for_each(|id| self.running.ended(*id));
    }
}
