//! How many deliveries may run at once.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A bounded number of permits to run a delivery. A process claims no delivery without a slot for it.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    freed: Arc<Notify>,
}

/// A permit to run one delivery, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    freed: Arc<Notify>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))), freed: Arc::default() }
    }

    /// The next free slot; `None` once no more are given out.
    pub(crate) async fn acquire(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(Slot { freed: Arc::clone(&self.freed), permit: Some(permit) })
    }

    /// Gives out no more slots.
    pub(crate) fn close(&self) {
        self.free.close();
    }

    /// Takes up to `max` slots, as many as are free.
    pub(crate) fn take(&self, max: usize) -> Vec<Slot> {
        let each = std::iter::from_fn(|| Arc::clone(&self.free).try_acquire_owned().ok());
        each.take(max).map(|permit| Slot { freed: Arc::clone(&self.freed), permit: Some(permit) }).collect()
    }

    /// Waits until a slot becomes free.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The permit first: the task that is notified must find it free.
        self.permit = None;
        self.freed.notify_one();
    }
}
