//! What a write is to the writer: how it is executed, what it conflicts with, and what happens after its commit.

use std::future::Future;

use jiff::Timestamp;

use super::clock_offset::ClockOffset;
use super::fault::Result;
use super::session::Session;
use crate::models::DeliveryId;
use crate::outbox::Attempt;
use crate::store::{StoreContext, StoreError};

/// The answer to one caller.
pub(super) type WriteResult<T> = std::result::Result<T, StoreError>;

/// What a request is executed with. All statements of a batch belong to one transaction, or there is one statement alone.
#[derive(Clone, Copy)]
pub(super) struct BatchContext<'a> {
    pub(super) session: &'a Session,
    pub(super) offset: ClockOffset,
    pub(super) context: &'a StoreContext,
}

impl BatchContext<'_> {
    /// The server's time.
    pub(super) fn now(&self) -> Timestamp {
        self.offset.to_server(self.context.clock.steady())
    }
}

/// A write. It may be executed several times; see [`commit`](super::commit).
pub(super) trait Request: Sized + Send + Sync + 'static {
    /// The answer to the caller, once it is committed.
    type Written: Send;

    /// The rows that it may write. Of two requests with a key in common, the one that was queued later is executed after
    /// the other.
    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::Everything
    }

    /// The deliveries that it has claimed.
    fn claimed(_written: &Self::Written) -> Vec<(DeliveryId, Attempt)> {
        Vec::new()
    }

    /// Runs after the commit, even when the caller has gone away.
    fn committed(self, _written: &mut Self::Written, _context: &StoreContext) {}
}

/// A request with statements of its own. They are pipelined with those of the other requests of its group.
pub(super) trait SingleRequest: Request {
    fn execute(&self, batch: BatchContext<'_>) -> impl Future<Output = Result<Self::Written>> + Send;
}

/// A frequent request: all of a group are executed by the same statements, with arrays as values. No two of a group have
/// a conflict key in common.
pub(super) trait BatchedRequest: Request {
    fn execute_all(
        requests: &[&Self],
        batch: BatchContext<'_>,
    ) -> impl Future<Output = Result<Vec<WriteResult<Self::Written>>>> + Send;
}

/// What a request may conflict with in its batch.
pub(super) enum ConflictKeys {
    These(Vec<String>),
    Everything,
}
