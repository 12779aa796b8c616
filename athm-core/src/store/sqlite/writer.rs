//! The one thread that writes: it drains what waits, commits once, and answers each caller after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::store::{Batching, StoreError, StoreFuture};

/// How many writes may wait; more are refused, so that a stalled disk shows at the edge.
const WAITING: usize = 1024;
/// How long a write that nobody waits for may wait for company.
const MAX_BATCH_DELAY: Duration = Duration::from_millis(10);

/// A handle to the thread.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    sender: Sender<WriterMessage>,
    waiting: Arc<AtomicUsize>,
}

enum WriterMessage {
    Write(Box<dyn Write>),
    /// A write whose caller is in no hurry.
    Lazy(Box<dyn Write>),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// One caller's share of a commit. It may be written twice, of which one is committed at most.
trait Write: Send {
    fn write(&mut self, connection: &Connection) -> Result<(), StoreError>;

    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

impl Writer {
    /// Starts the thread. It keeps `held` until it has ended: what must outlive the connection.
    pub(super) fn start(
        connection: Connection,
        batching: Batching,
        held: impl Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let queue = Queue { receiver, waiting: Arc::clone(&waiting), batching };
        thread::Builder::new().name(String::from("athm-writer")).spawn(move || {
            let closed = run(connection, &queue);
            drop(held);
            if let Some(closed) = closed {
                let _ = closed.send(Ok(()));
            }
        })?;
        Ok(Self { sender, waiting })
    }

    /// Writes in its turn, and calls `committed` with what it made, on the writer's thread, whether or not anybody
    /// still waits. [`StoreError::Busy`] when too much waits already.
    pub(super) fn write<T: Send + 'static, U: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce(T) -> U + Send + 'static,
    ) -> StoreFuture<'static, U> {
        if self.waiting.load(Ordering::Acquire) >= WAITING {
            return async { Err(StoreError::Busy) }.boxed();
        }
        let (write, answer) = queued(work, committed);
        self.send(WriterMessage::Write(write), answer)
    }

    /// The same for what has happened already and can't be refused. It may wait a little for others to share a commit.
    pub(super) fn write_lazily<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let (write, answer) = queued(work, |written| written);
        self.send(WriterMessage::Lazy(write), answer)
    }

    fn send<U: Send + 'static>(
        &self,
        message: WriterMessage,
        answer: oneshot::Receiver<Result<U, StoreError>>,
    ) -> StoreFuture<'static, U> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let sent = self.sender.send(message).map_err(|_| StoreError::Closed);
        async move {
            sent?;
            answer.await.unwrap_or(Err(StoreError::Closed))
        }
        .boxed()
    }

    /// Writes what waits, and ends the thread.
    pub(super) fn close(&self) -> StoreFuture<'static, ()> {
        let (sender, answer) = oneshot::channel();
        self.send(WriterMessage::Close(sender), answer)
    }
}

fn queued<T: Send + 'static, U: Send + 'static>(
    work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    committed: impl FnOnce(T) -> U + Send + 'static,
) -> (Box<dyn Write>, oneshot::Receiver<Result<U, StoreError>>) {
    let (sender, receiver) = oneshot::channel();
    (Box::new(QueuedWrite { work, written: None, committed, answer: sender }), receiver)
}

struct QueuedWrite<W, C, T, U> {
    work: W,
    written: Option<Result<T, StoreError>>,
    committed: C,
    answer: oneshot::Sender<Result<U, StoreError>>,
}

impl<W, C, T, U> Write for QueuedWrite<W, C, T, U>
where
    W: FnMut(&Connection) -> Result<T, StoreError> + Send,
    C: FnOnce(T) -> U + Send,
    T: Send,
    U: Send,
{
    fn write(&mut self, connection: &Connection) -> Result<(), StoreError> {
        // What an earlier try had taken is given back first.
        self.written = None;
        let written = (self.work)(connection);
        let result = written.as_ref().map(drop).map_err(Clone::clone);
        self.written = Some(written);
        result
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { written, committed: then, answer, .. } = *self;
        // A share's own error is told before that of the commit.
        let written = match written {
            Some(Err(error)) => Err(error),
            Some(Ok(written)) => committed.map(|()| written),
            None => Err(committed.err().unwrap_or(StoreError::Panicked)),
        };
        // A caller that has gone away misses only the answer.
        let _ = answer.send(written.map(then));
    }
}

struct Queue {
    receiver: Receiver<WriterMessage>,
    waiting: Arc<AtomicUsize>,
    batching: Batching,
}

/// What is committed together.
#[derive(Default)]
struct Batch {
    writes: Vec<Box<dyn Write>>,
    closed: Option<oneshot::Sender<Result<(), StoreError>>>,
}

impl Queue {
    /// Everything that waits. When none of it is in a hurry, what comes within the next moments too; `None` when
    /// nobody can send anything any more.
    fn next(&self) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut patience = self.take(self.receiver.recv().ok()?, &mut batch);
        while batch.writes.len() < self.batching.most() && batch.closed.is_none() {
            let next = match patience {
                Some(until) => self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())),
                None => self.receiver.try_recv().map_err(|_| RecvTimeoutError::Timeout),
            };
            let Ok(message) = next else { break };
            // One that is in a hurry ends the patience of all.
            patience = self.take(message, &mut batch).and(patience);
        }
        Some(batch)
    }

    /// Until when this one has time.
    fn take(&self, message: WriterMessage, batch: &mut Batch) -> Option<Instant> {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        match message {
            WriterMessage::Write(write) => batch.writes.push(write),
            WriterMessage::Lazy(write) => {
                batch.writes.push(write);
                return Some(Instant::now() + MAX_BATCH_DELAY);
            }
            WriterMessage::Close(answer) => batch.closed = Some(answer),
        }
        None
    }
}

fn run(mut connection: Connection, queue: &Queue) -> Option<oneshot::Sender<Result<(), StoreError>>> {
    while let Some(Batch { mut writes, closed }) = queue.next() {
        let committed = commit(&mut connection, &mut writes);
        for write in writes {
            write.answer(committed.clone());
        }
        if closed.is_some() {
            return closed;
        }
    }
    None
}

/// All of them in one commit, as if none could fail: to be able to undo one alone costs as much again as writing it.
/// When one does fail, all are undone, and written again in that costlier way.
fn commit(connection: &mut Connection, writes: &mut [Box<dyn Write>]) -> Result<(), StoreError> {
    if writes.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match writes.iter_mut().try_for_each(|write| attempt(write, &transaction)) {
        Ok(()) => return Ok(transaction.commit()?),
        // A full disk may have undone it already.
        Err(_) if transaction.is_autocommit() => drop(transaction),
        Err(_) => transaction.rollback()?,
    }
    commit_each(connection, writes)
}

/// All of them in one commit. One that fails is undone alone, and knows its own error.
fn commit_each(connection: &mut Connection, writes: &mut [Box<dyn Write>]) -> Result<(), StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in writes {
        let savepoint = transaction.savepoint()?;
        match attempt(write, &savepoint) {
            Ok(()) => savepoint.commit()?,
            Err(error) => {
                drop(savepoint);
                // A full disk undoes the whole transaction; what is written after that would stand alone.
                if transaction.is_autocommit() {
                    return Err(error);
                }
            }
        }
    }
    Ok(transaction.commit()?)
}

/// A mistake in one write must not end the thread that all others need.
fn attempt(write: &mut Box<dyn Write>, connection: &Connection) -> Result<(), StoreError> {
    catch_unwind(AssertUnwindSafe(|| write.write(connection))).unwrap_or(Err(StoreError::Panicked))
}
