//! Counts what is in flight, and waits until nothing is.

use tokio::sync::watch;

/// A count that each guard increases by one until it is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(watch::Sender<Count>);

/// Counts as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlightGuard(watch::Sender<Count>);

#[derive(Debug, Default)]
struct Count {
    now: usize,
    ever: u64,
}

impl InFlight {
    pub(crate) fn enter(&self) -> InFlightGuard {
        self.0.send_modify(|count| {
            count.now += 1;
            count.ever += 1;
        });
        InFlightGuard(self.0.clone())
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.borrow().now == 0
    }

    /// How often it was entered: the same twice when nothing has begun in between.
    pub(crate) fn entered(&self) -> u64 {
        self.0.borrow().ever
    }

    /// Waits until the count is 0.
    pub(crate) async fn wait_until_zero(&self) {
        // The sender lives as long as `self`, so this ends only when the count is 0.
        let _ = self.0.subscribe().wait_for(|count| count.now == 0).await;
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.now -= 1);
    }
}
