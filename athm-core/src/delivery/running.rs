//! The deliveries that this process has claimed and not acknowledged.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::DeliveryId;
use crate::counter::{Counter, Entered};

/// Which deliveries this process holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    held: watch::Sender<HashMap<DeliveryId, Held>>,
    /// Claims under way, of which nobody knows yet what they bring.
    claims: Counter,
}

/// How far one has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) attempt: u32,
    pub(super) has_started: bool,
}

impl Running {
    pub(super) fn claimed(&self, claimed: impl Iterator<Item = (DeliveryId, u32)>) {
        let held = claimed.map(|(id, attempt)| (id, Held { attempt, has_started: false }));
        self.held.send_modify(|running| running.extend(held));
    }

    pub(super) fn started(&self, id: DeliveryId) {
        self.held.send_if_modified(|running| {
            running.entry(id).and_modify(|held| held.has_started = true);
            false
        });
    }

    pub(super) fn ended(&self, id: DeliveryId) {
        self.held.send_if_modified(|running| running.remove(&id).is_some());
    }

    pub(super) fn all(&self) -> Vec<(DeliveryId, Held)> {
        self.held.borrow().iter().map(|(id, held)| (*id, *held)).collect()
    }

    pub(super) fn claiming(&self) -> Entered {
        self.claims.enter()
    }

    /// Lets go of these when it is dropped, whatever becomes of the task that holds it.
    pub(super) fn guard(&self, ids: Vec<DeliveryId>) -> Guard {
        Guard { running: self.clone(), ids }
    }

    /// Waits until nothing is claimed any more.
    pub(super) async fn claimed_all(&self) {
        self.claims.none().await;
    }

    /// Waits until there is none.
    pub(super) async fn none(&self) {
        let mut held = self.held.subscribe();
        while !held.borrow_and_update().is_empty() || !self.claims.is_none() {
            self.claims.none().await;
            // The sender is alive as long as `self` is, so this ends only when nothing runs.
            let _ = held.wait_for(HashMap::is_empty).await;
        }
    }
}

/// What a task holds; see [`Running::guard`].
pub(super) struct Guard {
    running: Running,
    ids: Vec<DeliveryId>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.ids.iter().for_each(|id| self.running.ended(*id));
    }
}
