//! One suspect at a time; see [`attempt`](super::attempt).

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Lets one suspect of this process run at a time.
#[derive(Debug, Clone)]
pub(crate) struct Suspects {
    permits: Arc<Semaphore>,
    /// Wakes the worker's poll.
    woken: Arc<Notify>,
}

/// A permit to claim a suspect.
#[derive(Debug)]
pub(crate) struct SuspectPermit {
    permit: OwnedSemaphorePermit,
    woken: Arc<Notify>,
}

/// A suspect that runs, until it is dropped. Then the worker claims the next one at once.
#[derive(Debug)]
pub(crate) struct RunningSuspect {
    permit: Option<OwnedSemaphorePermit>,
    woken: Arc<Notify>,
}

impl Suspects {
    pub(crate) fn new(woken: Arc<Notify>) -> Self {
        Self { permits: Arc::new(Semaphore::new(1)), woken }
    }

    /// A permit, unless a suspect runs or is being claimed.
    pub(crate) fn permit(&self) -> Option<SuspectPermit> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(SuspectPermit { permit, woken: Arc::clone(&self.woken) })
    }
}

impl SuspectPermit {
    /// The suspect is claimed.
    pub(crate) fn claimed(self) -> RunningSuspect {
        RunningSuspect { permit: Some(self.permit), woken: self.woken }
    }
}

impl Drop for RunningSuspect {
    fn drop(&mut self) {
        // The permit first: the claim that is woken must find it free.
        self.permit = None;
        self.woken.notify_one();
    }
}
