//! The one task that writes: it drains what waits, commits once, and answers each caller after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::commit::Committer;
use super::job::{Job, Outcome, Request, Share};
use super::queue::{Batch, COMPANY, Message, Queue};
use super::session::Link;
use crate::store::{SetUp, StoreError, StoreFuture};

/// How many writes may wait; more are refused, so that a stalled server shows at the edge.
const WAITING: usize = 1024;

/// A handle to the task.
pub(super) struct Writer {
    sender: UnboundedSender<Message>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    pub(super) fn start(link: Link, set_up: Arc<SetUp>) -> Self {
        let (sender, receiver) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let house = set_up.house.clone();
        let queue = Queue { receiver, waiting: Arc::clone(&waiting), most: set_up.batching.most(), left: Vec::new() };
        house.spawn(run(queue, Committer { link, set_up }));
        Self { sender, waiting }
    }

    /// Writes in its turn. [`StoreError::Busy`] when too much waits already.
    pub(super) fn write<R: Request>(&self, request: R) -> StoreFuture<'static, R::Written>
    where
        Share<R>: Into<Job>,
    {
        if self.waiting.load(Ordering::Acquire) >= WAITING {
            return async { Err(StoreError::Busy) }.boxed();
        }
        let (share, answered) = Share::new(request);
        self.send(Message::Write(share.into()), answered)
    }

    /// The same for what has happened already and can't be refused. It may wait a little for others to share a commit.
    pub(super) fn write_lazily<R: Request>(&self, request: R) -> StoreFuture<'static, R::Written>
    where
        Share<R>: Into<Job>,
    {
        let (share, answered) = Share::new(request);
        self.send(Message::Lazy(share.into()), answered)
    }

    /// Writes what waits, and ends the task.
    pub(super) fn close(&self) -> StoreFuture<'static, ()> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Close(answer), answered)
    }

    fn send<T: Send + 'static>(
        &self,
        message: Message,
        answered: oneshot::Receiver<Outcome<T>>,
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
                left.job.answer(Err(StoreError::Closed), &committer.set_up);
            }
            committer.link.close().await;
            let _ = closed.send(Ok(()));
            return;
        }
        if !queue.left.is_empty() {
            sleep(COMPANY).await;
        }
    }
}
