//! How many deliveries may run at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded number of permits to run a delivery, given in the order in which they are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    count: usize,
}

/// A permit to run one delivery, until it is dropped: when its receiver has ended, before that is stored.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        let count = count.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(count)), count }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A slot, if one is free and nothing waits for it.
    pub(crate) fn try_acquire(&self) -> Option<Slot> {
        Arc::clone(&self.free).try_acquire_owned().ok().map(|permit| Slot { _permit: permit })
    }

    /// The next free slot; `None` once no more are given out.
    pub(crate) async fn acquire(&self) -> Option<Slot> {
        Arc::clone(&self.free).acquire_owned().await.ok().map(|permit| Slot { _permit: permit })
    }

    /// Gives out no more slots.
    pub(crate) fn close(&self) {
        self.free.close();
    }
}
