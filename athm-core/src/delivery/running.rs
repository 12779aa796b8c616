//! The deliveries that this process has claimed and not acknowledged.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::DeliveryId;

/// Which deliveries run here, with the attempt of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(watch::Sender<HashMap<DeliveryId, u32>>);

impl Running {
    pub(super) fn begin(&self, claimed: impl Iterator<Item = (DeliveryId, u32)>) {
        self.0.send_modify(|running| running.extend(claimed));
    }

    pub(super) fn end(&self, id: DeliveryId) {
        self.0.send_if_modified(|running| running.remove(&id).is_some());
    }

    pub(super) fn all(&self) -> Vec<(DeliveryId, u32)> {
        self.0.borrow().iter().map(|(id, attempt)| (*id, *attempt)).collect()
    }

    /// Waits until none runs.
    pub(super) async fn ended(&self) {
        // The sender is alive as long as `self` is, so this ends only when nothing runs.
        let _ = self.0.subscribe().wait_for(HashMap::is_empty).await;
    }
}
