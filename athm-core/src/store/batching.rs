//! How writes share commits, in both backends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many writes may be queued, deferred ones aside. More are refused with [`StoreError::Busy`](super::StoreError::Busy).
pub(super) const MAX_QUEUED: usize = 1024;
/// How long a deferred write waits for others to share its commit.
pub(super) const MAX_BATCH_DELAY: Duration = Duration::from_millis(10);

/// How many writes share one commit, deferred ones aside: those of 256 callers, with room to spare.
const MAX_WRITES: usize = 1024;

/// How many writes share one commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Batching {
    /// All that are queued, up to [`MAX_WRITES`].
    #[default]
    Grouped,
    /// One: to measure what group commit brings.
    OneByOne,
}

impl Batching {
    pub(crate) fn max_writes(self) -> usize {
        match self {
            Self::Grouped => MAX_WRITES,
            Self::OneByOne => 1,
        }
    }

    /// Whether a write that no caller waits for is deferred.
    pub(crate) fn defers(self) -> bool {
        self == Self::Grouped
    }
}

/// The queue of deferred writes, beside the channel of those that callers wait for. The writer is woken for the first of them
/// alone: what follows is there when it looks.
#[derive(Debug)]
pub(super) struct DeferredWrites<W>(Arc<Mutex<Deferred<W>>>);

#[derive(Debug)]
struct Deferred<W> {
    writes: VecDeque<W>,
    is_closed: bool,
}

/// What is to be done after a deferred write was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// The writer must be woken: it is the first.
    Writer,
    Nothing,
}

impl<W> DeferredWrites<W> {
    /// Queues a write, or drops it if the writer has ended.
    pub(super) fn push(&self, write: W) -> Wake {
        let mut deferred = self.deferred();
        if deferred.is_closed {
            return Wake::Nothing;
        }
        deferred.writes.push_back(write);
        if deferred.writes.len() == 1 { Wake::Writer } else { Wake::Nothing }
    }

    /// All that are queued: about as many at most as the process has claimed deliveries.
    pub(super) fn take(&self) -> VecDeque<W> {
        std::mem::take(&mut self.deferred().writes)
    }

    /// The same, for the last time: what comes from now on is dropped.
    pub(super) fn close(&self) -> VecDeque<W> {
        let mut deferred = self.deferred();
        deferred.is_closed = true;
        std::mem::take(&mut deferred.writes)
    }

    fn deferred(&self) -> MutexGuard<'_, Deferred<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Derived ones would want `W` to be one as well.
impl<W> Clone for DeferredWrites<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W> Default for DeferredWrites<W> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Deferred { writes: VecDeque::new(), is_closed: false })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_is_woken_for_the_first_deferred_write_and_again_after_all_were_taken() {
        let deferred = DeferredWrites::default();
        assert_eq!([1, 2, 3].map(|write| deferred.push(write)), [Wake::Writer, Wake::Nothing, Wake::Nothing]);
        assert_eq!(deferred.take(), [1, 2, 3]);
        assert_eq!(deferred.push(4), Wake::Writer);
    }

    #[test]
    fn a_deferred_write_is_dropped_once_the_writer_has_ended() {
        let (deferred, write) = (DeferredWrites::default(), Arc::new(()));
        deferred.push(Arc::clone(&write));
        assert_eq!(deferred.close().len(), 1);
        assert_eq!(deferred.push(Arc::clone(&write)), Wake::Nothing);
        assert_eq!(Arc::strong_count(&write), 1);
    }
}
