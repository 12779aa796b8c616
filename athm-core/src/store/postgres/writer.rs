//! The one task that writes: it drains what waits, commits once, and answers each caller after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::commit::Committer;
use super::job::{Job, QueuedWrite, Request, WriteResult};
use super::queue::{Batch, MAX_BATCH_DELAY, Queue, WriterMessage};
use super::session::ReconnectingClient;
use crate::store::{StoreContext, StoreError, StoreFuture};
use crate::util::backoff::Jitter;

/// How many writes may wait; more are refused, so that a stalled server shows at the edge.
const WAITING: usize = 1024;

/// A handle to the task.
pub(super) struct Writer {
    sender: UnboundedSender<WriterMessage>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    pub(super) fn start(link: ReconnectingClient, context: Arc<StoreContext>) -> Self {
        let (sender, receiver) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let background = context.background.clone();
        let queue = Queue { receiver, waiting: Arc::clone(&waiting), most: context.batching.most(), left: Vec::new() };
        background.spawn(run(queue, Committer { link, context, jitter: Jitter::seeded(None) }));
        Self { sender, waiting }
    }

    /// Writes in its batch. [`StoreError::Busy`] when too much waits already.
    pub(super) fn write<R: Request>(&self, request: R) -> StoreFuture<'static, R::Written>
    where
        QueuedWrite<R>: Into<Job>,
    {
        if self.waiting.load(Ordering::Acquire) >= WAITING {
            return async { Err(StoreError::Busy) }.boxed();
        }
        let (write, answered) = QueuedWrite::new(request);
        self.send(WriterMessage::Write(write.into()), answered)
    }

    /// The same for what has happened already and can't be refused. It may wait a little for others to write a commit.
    pub(super) fn write_lazily<R: Request>(&self, request: R) -> StoreFuture<'static, R::Written>
    where
        QueuedWrite<R>: Into<Job>,
    {
        let (write, answered) = QueuedWrite::new(request);
        self.send(WriterMessage::Lazy(write.into()), answered)
    }

    /// Writes what waits, and ends the task.
    pub(super) fn close(&self) -> StoreFuture<'static, ()> {
        let (answer, answered) = oneshot::channel();
        self.send(WriterMessage::Close(answer), answered)
    }

    fn send<T: Send + 'static>(
        &self,
        message: WriterMessage,
        answered: oneshot::Receiver<WriteResult<T>>,
    ) -> StoreFuture<'static, T> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let sent = self.sender.send(message).map_err(|_| StoreError::Closed);
        async move {
            sent?;
            answered.await.unwrap_or(Err(StoreError::Closed))
        }
        .boxed()
    }
}

async fn run(mut queue: Queue, committer: Committer) {
    while let Some(Batch { writes, closed }) = queue.next().await {
        queue.left = committer.write(writes).await;
        if let Some(closed) = closed {
            for left in queue.left.drain(..) {
                left.job.answer(Err(StoreError::Closed), &committer.context);
            }
            committer.link.close().await;
            let _ = closed.send(Ok(()));
            return;
        }
        if !queue.left.is_empty() {
            sleep(MAX_BATCH_DELAY).await;
        }
    }
}
