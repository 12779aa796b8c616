//! What a write is to the one who writes: how it is executed, and how its caller is answered.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, join3};
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::fault::{Fault, Result};
use super::record::Recording;
use super::session::{Session, Times};
use crate::outbox::{Acknowledgement, AttemptOutcome};
use crate::store::{StoreContext, StoreError};

/// What one caller is told.
pub(super) type WriteResult<T> = std::result::Result<T, StoreError>;

/// What a request is executed with: everything that it does is in the batch's database transaction.
#[derive(Clone, Copy)]
pub(super) struct BatchContext<'a> {
    pub(super) session: &'a Session,
    pub(super) times: Times,
    pub(super) context: &'a StoreContext,
}

impl BatchContext<'_> {
    /// The server's time.
    pub(super) fn now(&self) -> Timestamp {
        self.times.there(self.context.clock.steady())
    }
}

/// Something to write. It may be executed several times, of which one is committed at most.
pub(super) trait Request: Sized + Send + Sync + 'static {
    /// What its caller is told once it is committed.
    type Written: Send;

    /// What it is about: of two requests about the same, the later one is executed after the earlier one.
    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::Everything
    }

    /// Something to do after the commit, whether or not anybody still waits.
    fn committed(self, _written: &mut Self::Written, _set_up: &StoreContext) {}
}

/// One that is executed by itself. Its statements are sent together with those of the others.
pub(super) trait Single: Request {
    fn execute(&self, batch: BatchContext<'_>) -> impl Future<Output = Result<Self::Written>> + Send;
}

/// One that is executed by the same statements as all others of its kind. No two of them are about the same.
pub(super) trait Batched: Request {
    fn execute_all(
        requests: &[&Self],
        batch: BatchContext<'_>,
    ) -> impl Future<Output = Result<Vec<WriteResult<Self::Written>>>> + Send;
}

pub(super) enum ConflictKeys {
    These(Vec<String>),
    Everything,
}

/// A request, and whoever waits for it.
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

/// A write of any kind.
pub(super) enum Job {
    Record(Box<QueuedWrite<Recording>>),
    AttemptOutcome(QueuedWrite<Acknowledgement>),
    Other(Box<dyn Alone>),
}

/// A write of a kind of which there are few.
pub(super) trait Alone: Send {
    fn conflict_keys(&self) -> ConflictKeys;

    fn execute<'a>(&'a mut self, batch: BatchContext<'a>) -> BoxFuture<'a, Result<()>>;

    fn answer(self: Box<Self>, committed: WriteResult<()>, context: &StoreContext);
}

impl From<QueuedWrite<Recording>> for Job {
    fn from(write: QueuedWrite<Recording>) -> Self {
        Self::Record(Box::new(write))
    }
}

impl From<QueuedWrite<Acknowledgement>> for Job {
    fn from(write: QueuedWrite<Acknowledgement>) -> Self {
        Self::AttemptOutcome(write)
    }
}

impl<R: Single> From<QueuedWrite<R>> for Job {
    fn from(write: QueuedWrite<R>) -> Self {
        Self::Other(Box::new(write))
    }
}

impl Job {
    pub(super) fn conflict_keys(&self) -> ConflictKeys {
        match self {
            Self::Record(write) => write.request.conflict_keys(),
            Self::AttemptOutcome(write) => write.request.conflict_keys(),
            Self::Other(write) => write.conflict_keys(),
        }
    }

    /// What gives back the deliveries that it has claimed for this process, in case that it was committed and nobody has
    /// heard of it: they would wait for their leases to end. Those of a claim do: another process may have them by now.
    pub(super) fn given_back(&self, at: Timestamp) -> impl Iterator<Item = Self> {
        let works = match self {
            Self::Record(write) => write.written.iter().flatten().flat_map(|(_, works)| works).collect(),
            Self::AttemptOutcome(_) | Self::Other(_) => Vec::new(),
        };
        let claimed = works.into_iter().flat_map(|work| &work.deliveries);
        claimed.map(move |claimed| {
            let (id, attempt) = (claimed.planned.id, claimed.attempt);
            QueuedWrite::new(Acknowledgement { id, attempt, at, end: AttemptOutcome::Unstarted }).0.into()
        })
    }

    pub(super) fn answer(self, committed: WriteResult<()>, context: &StoreContext) {
        match self {
            Self::Record(write) => write.answer(committed, context),
            Self::AttemptOutcome(write) => write.answer(committed, context),
            Self::Other(write) => write.answer(committed, context),
        }
    }
}

/// Executes them all at once: no two of them are about the same.
pub(super) async fn execute(jobs: Vec<&mut Job>, batch: BatchContext<'_>) -> Result<()> {
    let (mut recordings, mut ends, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        match job {
            Job::Record(write) => recordings.push(&mut **write),
            Job::AttemptOutcome(write) => ends.push(write),
            Job::Other(write) => others.push(write.execute(batch)),
        }
    }
    let (recorded, ended, others) = join3(together(recordings, batch), together(ends, batch), join_all(others)).await;
    let faults = [recorded, ended].into_iter().chain(others).filter_map(Result::err);
    faults.reduce(Fault::or_cause).map_or(Ok(()), Err)
}

async fn together<R: Batched>(mut writes: Vec<&mut QueuedWrite<R>>, batch: BatchContext<'_>) -> Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    // What an earlier try had taken is given back first.
    writes.iter_mut().for_each(|write| write.written = None);
    let requests: Vec<_> = writes.iter().map(|write| &write.request).collect();
    let written = caught(R::execute_all(&requests, batch)).await?;
    for (write, written) in writes.into_iter().zip(written) {
        write.written = Some(written);
    }
    Ok(())
}

impl<R: Single> Alone for QueuedWrite<R> {
    fn conflict_keys(&self) -> ConflictKeys {
        self.request.conflict_keys()
    }

    fn execute<'a>(&'a mut self, batch: BatchContext<'a>) -> BoxFuture<'a, Result<()>> {
        async move {
            self.written = None;
            self.written = Some(match caught(self.request.execute(batch)).await {
                Ok(written) => Ok(written),
                Err(Fault::Refused(error)) => Err(error),
                Err(fault) => return Err(fault),
            });
            Ok(())
        }
        .boxed()
    }

    fn answer(self: Box<Self>, committed: WriteResult<()>, context: &StoreContext) {
        Self::answer(*self, committed, context);
    }
}

/// A mistake in one write must not end the task that all others need: the batch is tried again one by one.
async fn caught<T>(executing: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(executing).catch_unwind().await.unwrap_or_else(|_| Err(Fault::Failed(StoreError::Panicked)))
}
