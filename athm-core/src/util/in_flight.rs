//! How many of something are under way, and waiting until none is.

use tokio::sync::watch;

/// A count that goes up with every entry, and down when that is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(watch::Sender<usize>);

/// One that is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlightGuard(watch::Sender<usize>);

impl InFlight {
    pub(crate) fn enter(&self) -> InFlightGuard {
        self.0.send_modify(|count| *count += 1);
        InFlightGuard(self.0.clone())
    }

    pub(crate) fn is_none(&self) -> bool {
        *self.0.borrow() == 0
    }

    /// Waits until none is under way.
    pub(crate) async fn none(&self) {
        // The sender is alive as long as `self` is, so this ends only when the count is nought.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
