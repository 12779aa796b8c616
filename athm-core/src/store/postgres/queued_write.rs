//! A request that is queued, with the caller that waits for its answer.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, join3};
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::fault::{Fault, Result};
use super::record::RecordRequest;
use super::request::{BatchContext, BatchedRequest, ConflictKeys, Request, SingleRequest, WriteResult};
use crate::models::DeliveryId;
use crate::outbox::{Acknowledgement, Attempt, AttemptOutcome};
use crate::store::{StoreContext, StoreError};

/// A request, the result of its last execution, and its caller.
pub(super) struct QueuedWrite<R: Request> {
    request: R,
    written: Option<WriteResult<R::Written>>,
    answer: oneshot::Sender<WriteResult<R::Written>>,
}

impl<R: Request> QueuedWrite<R> {
    pub(super) fn new(request: R) -> (Self, oneshot::Receiver<WriteResult<R::Written>>) {
        let (answer, answered) = oneshot::channel();
        (Self { request, written: None, answer }, answered)
    }

    /// The deliveries that its last execution has claimed.
    fn claimed(&self) -> Vec<(DeliveryId, Attempt)> {
        self.written.iter().flatten().flat_map(R::claimed).collect()
    }

    fn answer(self, committed: WriteResult<()>, context: &StoreContext) {
        let Self { request, written, answer } = self;
        let mut written = committed.and_then(|()| written.unwrap_or(Err(StoreError::Closed)));
        if let Ok(written) = &mut written {
            request.committed(written, context);
        }
        // A caller that has gone away misses only the answer.
        let _ = answer.send(written);
    }
}

/// A queued write of any kind.
pub(super) enum AnyWrite {
    Record(Box<QueuedWrite<RecordRequest>>),
    Acknowledge(QueuedWrite<Acknowledgement>),
    Single(Box<dyn SingleWrite>),
}

/// A queued [`SingleRequest`], whatever its type.
pub(super) trait SingleWrite: Send {
    fn conflict_keys(&self) -> ConflictKeys;

    fn execute<'a>(&'a mut self, batch: BatchContext<'a>) -> BoxFuture<'a, Result<()>>;

    fn claimed(&self) -> Vec<(DeliveryId, Attempt)>;

    fn answer(self: Box<Self>, committed: WriteResult<()>, context: &StoreContext);
}

impl From<QueuedWrite<RecordRequest>> for AnyWrite {
    fn from(write: QueuedWrite<RecordRequest>) -> Self {
        Self::Record(Box::new(write))
    }
}

impl From<QueuedWrite<Acknowledgement>> for AnyWrite {
    fn from(write: QueuedWrite<Acknowledgement>) -> Self {
        Self::Acknowledge(write)
    }
}

impl<R: SingleRequest> From<QueuedWrite<R>> for AnyWrite {
    fn from(write: QueuedWrite<R>) -> Self {
        Self::Single(Box::new(write))
    }
}

impl AnyWrite {
    pub(super) fn conflict_keys(&self) -> ConflictKeys {
        match self {
            Self::Record(write) => write.request.conflict_keys(),
            Self::Acknowledge(write) => write.request.conflict_keys(),
            Self::Single(write) => write.conflict_keys(),
        }
    }

    /// Whether its commit shows that the server writes: a claim that finds nothing shows nothing.
    pub(super) fn changes_rows(&self) -> bool {
        matches!(self, Self::Record(_) | Self::Acknowledge(_))
    }

    /// Writes that release the deliveries which this one may have claimed. The connection was lost while it was committed:
    /// if the server committed, no worker has received them, and they would count as left behind when their leases end. If
    /// it didn't, no row has the claim, whatever other processes have claimed by now.
    pub(super) fn release_claims(&self, at: Timestamp) -> impl Iterator<Item = Self> {
        let claimed = match self {
            Self::Record(write) => write.claimed(),
            Self::Acknowledge(_) => Vec::new(),
            Self::Single(write) => write.claimed(),
        };
        claimed.into_iter().map(move |(id, attempt)| {
            QueuedWrite::new(Acknowledgement { id, attempt, at, outcome: AttemptOutcome::Unstarted, run: None })
                .0
                .into()
        })
    }

    /// Whether [`insert_new`] has just inserted it.
    pub(super) fn is_inserted(&self) -> bool {
        matches!(self, Self::Record(write) if write.written.is_some())
    }

    pub(super) fn answer(self, committed: WriteResult<()>, context: &StoreContext) {
        match self {
            Self::Record(write) => write.answer(committed, context),
            Self::Acknowledge(write) => write.answer(committed, context),
            Self::Single(write) => write.answer(committed, context),
        }
    }
}

/// The writes of a group, if each records a payment.
pub(super) fn only_records(group: Vec<&mut AnyWrite>) -> Option<Vec<&mut QueuedWrite<RecordRequest>>> {
    let records = group.into_iter().map(|write| match write {
        AnyWrite::Record(write) => Some(&mut **write),
        AnyWrite::Acknowledge(_) | AnyWrite::Single(_) => None,
    });
    records.collect()
}

/// Inserts those payments of a group that are new, outside a transaction. When the connection is lost, any of them may be
/// inserted, and all count as if they were, so that their claims can be released.
pub(super) async fn insert_new(
    mut records: Vec<&mut QueuedWrite<RecordRequest>>,
    batch: BatchContext<'_>,
) -> Result<()> {
    // Drops what an earlier execution has taken, so that its slots are free for this one.
    records.iter_mut().for_each(|write| write.written = None);
    let requests: Vec<_> = records.iter().map(|write| &write.request).collect();
    let inserting = async { Ok(RecordRequest::insert_new(&requests, batch).await) };
    let (written, inserted) = catch_panic(inserting).await?;
    for (write, written) in records.into_iter().zip(written) {
        write.written = written.map(Ok);
    }
    inserted
}

/// Executes the writes of one conflict-free group concurrently, so that their statements are pipelined.
pub(super) async fn execute(group: Vec<&mut AnyWrite>, batch: BatchContext<'_>) -> Result<()> {
    let (mut records, mut acknowledgements, mut singles) = (Vec::new(), Vec::new(), Vec::new());
    for write in group {
        match write {
            AnyWrite::Record(write) => records.push(&mut **write),
            AnyWrite::Acknowledge(write) => acknowledgements.push(write),
            AnyWrite::Single(write) => singles.push(write.execute(batch)),
        }
    }
    let (recorded, acknowledged, singles) =
        join3(execute_batched(records, batch), execute_batched(acknowledgements, batch), join_all(singles)).await;
    let faults = [recorded, acknowledged].into_iter().chain(singles).filter_map(Result::err);
    faults.reduce(Fault::or_cause).map_or(Ok(()), Err)
}

async fn execute_batched<R: BatchedRequest>(
    mut writes: Vec<&mut QueuedWrite<R>>,
    batch: BatchContext<'_>,
) -> Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    // Drops what an earlier execution has taken, so that its slots are free for this one.
    writes.iter_mut().for_each(|write| write.written = None);
    let requests: Vec<_> = writes.iter().map(|write| &write.request).collect();
    let written = catch_panic(R::execute_all(&requests, batch)).await?;
    for (write, written) in writes.into_iter().zip(written) {
        write.written = Some(written);
    }
    Ok(())
}

impl<R: SingleRequest> SingleWrite for QueuedWrite<R> {
    fn conflict_keys(&self) -> ConflictKeys {
        self.request.conflict_keys()
    }

    fn execute<'a>(&'a mut self, batch: BatchContext<'a>) -> BoxFuture<'a, Result<()>> {
        async move {
            self.written = None;
            self.written = Some(match catch_panic(self.request.execute(batch)).await {
                Ok(written) => Ok(written),
                Err(Fault::Refused(error)) => Err(error),
                Err(fault) => return Err(fault),
            });
            Ok(())
        }
        .boxed()
    }

    fn claimed(&self) -> Vec<(DeliveryId, Attempt)> {
        Self::claimed(self)
    }

    fn answer(self: Box<Self>, committed: WriteResult<()>, context: &StoreContext) {
        Self::answer(*self, committed, context);
    }
}

/// A write that panics must not end the task that all others need. The batch fails, and is executed one by one.
async fn catch_panic<T>(executing: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(executing).catch_unwind().await.unwrap_or_else(|_| Err(Fault::Failed(StoreError::Panicked)))
}
