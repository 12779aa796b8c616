//! Whether another message may be pending, at constant cost.
//!
//! Counting the pending messages costs as much as there are of them, and any sender can cause it. So the count is kept in
//! memory, as an estimate: each message adds one, and none that is deleted subtracts one. The rows are counted after every
//! [`MAX_UNCOUNTED`] messages, because other processes add some, too, and when the estimate says that there is no room, at
//! most once a second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::limits::MAX_PENDING;

/// After how many messages the rows are counted anyway.
const MAX_UNCOUNTED: u32 = 1000;
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// The room for pending messages about payments that we don't know.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingRoom {
    estimate: Arc<Mutex<Estimate>>,
    /// Held while the rows are counted.
    #[cfg(feature = "postgres")]
    pub(super) counting: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Estimate {
    pending: u32,
    uncounted: u32,
    counted_at: Option<Instant>,
}

/// The room of one message. Dropped without [`keep`](Self::keep), it is given back.
#[derive(Debug)]
pub(super) struct PendingSpace(Option<PendingRoom>);

impl PendingRoom {
    /// Whether the rows must be counted, and [`counted`](Self::counted) called, before [`take`](Self::take).
    pub(super) fn needs_count(&self) -> bool {
        let estimate = self.estimate();
        let Some(counted_at) = estimate.counted_at else { return true };
        let is_full = estimate.pending >= MAX_PENDING;
        estimate.uncounted >= MAX_UNCOUNTED || (is_full && counted_at.elapsed() >= COUNT_INTERVAL)
    }

    /// Takes over the number of rows that are pending.
    pub(super) fn counted(&self, pending: i64) {
        let pending = u32::try_from(pending).unwrap_or(u32::MAX);
        *self.estimate() = Estimate { pending, uncounted: 0, counted_at: Some(Instant::now()) };
    }

    /// Takes the room of one message, if there is any.
    pub(super) fn take(&self) -> Option<PendingSpace> {
        let mut estimate = self.estimate();
        estimate.uncounted += 1;
        (estimate.pending < MAX_PENDING).then(|| {
            estimate.pending += 1;
            PendingSpace(Some(self.clone()))
        })
    }

    fn estimate(&self) -> MutexGuard<'_, Estimate> {
        self.estimate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingSpace {
    /// The message is stored.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for PendingSpace {
    fn drop(&mut self) {
        if let Some(room) = &self.0 {
            let mut estimate = room.estimate();
            estimate.pending = estimate.pending.saturating_sub(1);
        }
    }
}
