//! How many deliveries may run at once.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A bounded number of places; nothing is claimed without one.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    freed: Arc<Notify>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    freed: Arc<Notify>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))), freed: Arc::default() }
    }

    /// So many, or as many as are free.
    pub(crate) fn take(&self, most: usize) -> Vec<Slot> {
        let each = std::iter::from_fn(|| Arc::clone(&self.free).try_acquire_owned().ok());
        each.take(most).map(|permit| Slot { freed: Arc::clone(&self.freed), permit: Some(permit) }).collect()
    }

    /// Waits until one is given back.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The place first, so that whoever is told finds it.
        self.permit = None;
        self.freed.notify_one();
    }
}
