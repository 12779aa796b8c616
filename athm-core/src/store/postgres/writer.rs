//! Group commit: the one task that writes.
//!
//! A commit costs a round trip and a flush to disk, which take far longer than the writes themselves. The task therefore
//! takes all writes that are queued, executes them in one transaction (or by one statement), commits once, and answers
//! each caller after that commit. No timer is involved: while one commit is in flight, the next batch queues up. Only when
//! every queued write is a deferred one (an acknowledgement, say, for which no caller waits) does it wait up to 10 ms for
//! more.
//!
//! [`queue`](super::queue) forms the batches, [`conflict_free_groups`](super::conflict_free_groups) orders their writes,
//! and [`commit`](super::commit) commits them. Those that wait for a lock wait [apart](super::locked).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::commit::{Committer, Uncommitted};
use super::locked::LockedWrites;
use super::queue::{Batch, Queue, WriterCommand};
use super::queued_write::{AnyWrite, QueuedWrite};
use super::reconnecting_client::ReconnectingClient;
use super::request::{Request, WriteResult};
use crate::store::batching::{Batching, DeferredWrites, MAX_BATCH_DELAY, MAX_QUEUED, Wake};
use crate::store::{StoreContext, StoreError, StoreFuture};
use crate::util::backoff::Jitter;

/// A handle to the task.
pub(super) struct Writer {
    sender: UnboundedSender<WriterCommand>,
    /// How many writes are queued, deferred ones aside.
    queued: Arc<AtomicUsize>,
    deferred: DeferredWrites<AnyWrite>,
    batching: Batching,
}

impl Writer {
    pub(super) fn start(client: ReconnectingClient, context: Arc<StoreContext>) -> Self {
        let (sender, receiver) = unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let background = context.background.clone();
        let (batching, deferred) = (context.batching, DeferredWrites::default());
        let queue = Queue {
            receiver,
            queued: Arc::clone(&queued),
            deferred: deferred.clone(),
            max_writes: batching.max_writes(),
            retries: Vec::new(),
        };
        background.spawn(run(queue, Committer { client, context, jitter: Jitter::seeded(None) }));
        Self { sender, queued, deferred, batching }
    }

    /// Queues a write. [`StoreError::Busy`] when too many are queued: a stalled server then shows at the edge.
    pub(super) fn write<R: Request>(&self, request: R) -> StoreFuture<'static, R::Written>
    where
        QueuedWrite<R>: Into<AnyWrite>,
    {
        if self.queued.load(Ordering::Acquire) >= MAX_QUEUED {
            return async { Err(StoreError::Busy) }.boxed();
        }
        self.write_unbounded(request)
    }

    fn write_unbounded<R: Request>(&self, request: R) -> StoreFuture<'static, R::Written>
    where
        QueuedWrite<R>: Into<AnyWrite>,
    {
        let (write, answer) = QueuedWrite::new(request);
        self.queued.fetch_add(1, Ordering::AcqRel);
        self.send(WriterCommand::Write(write.into()), answer)
    }

    /// Queues a write of something that has happened already, and that is therefore never refused. It may wait up to
    /// [`MAX_BATCH_DELAY`] for others to share its commit, and is retried for a while when the server can't be reached.
    pub(super) fn write_deferred<R: Request>(&self, request: R) -> StoreFuture<'static, R::Written>
    where
        QueuedWrite<R>: Into<AnyWrite>,
    {
        if !self.batching.defers() {
            return self.write_unbounded(request);
        }
        let (write, answer) = QueuedWrite::new(request);
        match self.deferred.push(write.into()) {
            Wake::Writer => self.send(WriterCommand::Deferred, answer),
            Wake::Nothing => answered(answer),
        }
    }

    /// Executes the queued writes, and ends the task.
    pub(super) fn close(&self) -> StoreFuture<'static, ()> {
        let (sender, answer) = oneshot::channel();
        self.send(WriterCommand::Close(sender), answer)
    }

    fn send<T: Send + 'static>(
        &self,
        message: WriterCommand,
        answer: oneshot::Receiver<WriteResult<T>>,
    ) -> StoreFuture<'static, T> {
        // A message that isn't received drops the write, or the write was dropped when the task ended: both close `answer`.
        let _ = self.sender.send(message);
        answered(answer)
    }
}

fn answered<T: Send + 'static>(answer: oneshot::Receiver<WriteResult<T>>) -> StoreFuture<'static, T> {
    async { answer.await.unwrap_or(Err(StoreError::Closed)) }.boxed()
}

async fn run(mut queue: Queue, committer: Committer) {
    let mut locked = LockedWrites::default();
    while let Some(Batch { writes, closed }) = queue.next(locked.next_round()).await {
        let (free, held) = locked.split(writes);
        let Uncommitted { retries, locked: met_a_lock } = committer.commit_batch(free).await;
        queue.retries = retries;
        // In this order: where they concern the same, what met a lock was queued before what is held back.
        locked.add(met_a_lock);
        locked.add(held);
        queue.retries.extend(locked.retry(&committer).await);
        if let Some(closed) = closed {
            queue.retries.extend(locked.close(&committer).await);
            for pending in queue.retries.drain(..) {
                pending.write.answer(Err(StoreError::Closed), &committer.context);
            }
            committer.client.close().await;
            let _ = closed.send(Ok(()));
            return;
        }
        if !queue.retries.is_empty() {
            sleep(MAX_BATCH_DELAY).await;
        }
    }
}
