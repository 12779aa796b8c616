//! The deliveries that this process has claimed and not acknowledged.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::DeliveryId;

/// Which deliveries this process holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    held: watch::Sender<HashMap<DeliveryId, Held>>,
    /// Claims under way, of which nobody knows yet what they bring.
    claims: watch::Sender<usize>,
}

/// A claim under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Claiming(watch::Sender<usize>);

impl Drop for Claiming {
    fn drop(&mut self) {
        self.0.send_modify(|claims| *claims -= 1);
    }
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

    pub(super) fn claiming(&self) -> Claiming {
        self.claims.send_modify(|claims| *claims += 1);
        Claiming(self.claims.clone())
    }

    /// Waits until there is none.
    pub(super) async fn none(&self) {
        let (mut held, mut claims) = (self.held.subscribe(), self.claims.subscribe());
        // The senders are alive as long as `self` is, so these end only when nothing is claimed and nothing runs.
        while !held.borrow_and_update().is_empty() || *claims.borrow_and_update() > 0 {
            let _ = claims.wait_for(|claims| *claims == 0).await;
            let _ = held.wait_for(HashMap::is_empty).await;
        }
    }
}
