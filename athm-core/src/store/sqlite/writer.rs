//! Group commit: the one thread that writes.
//!
//! A commit flushes the file to disk, which takes far longer than the writes themselves. The thread therefore takes all
//! writes that are queued, executes them in one transaction, commits once, and answers each caller after that commit. No
//! timer is involved: while one commit flushes, the next batch queues up. Only when every queued write is a deferred one
//! (an acknowledgement, say, for which no caller waits) does it wait up to 10 ms for more.
//!
//! A write may be executed twice. All writes of a batch are first executed as if none could fail, because a savepoint for
//! each costs as much again as the write. When one fails, the transaction is rolled back, and all are executed again, each
//! in a savepoint of its own: one bad write fails alone. One execution is committed at most. What the first execution has
//! taken (slots, say) is dropped before the second.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::oneshot;

use super::restart;
use super::wal::{self, Wal};
use crate::store::batching::{Batching, DeferredWrites, MAX_BATCH_DELAY, MAX_QUEUED, Wake};
use crate::store::{StoreError, StoreFuture, WriteHealth};
use crate::util::clock::{Clock, later};

/// How often the steady time is stored; see [`restart`].
const STAMP_INTERVAL: Duration = Duration::from_secs(10);

/// What the thread owns.
pub(super) struct DatabaseFile {
    pub(super) connection: Connection,
    /// The thread that reads. It is waited for at the end: the last connection moves the WAL into the file.
    pub(super) reading: JoinHandle<()>,
    pub(super) wal: Wal,
    pub(super) clock: Clock,
    pub(super) health: WriteHealth,
    /// Locks the database for this process; see [`lock`](super::open::lock).
    pub(super) lock: File,
}

impl DatabaseFile {
    /// Closes the database. The reader must have been closed, or be about to be.
    fn close(self) {
        let Self { connection, reading, lock, .. } = self;
        // The thread catches panics, so that it always ends by itself.
        let _ = reading.join();
        wal::empty(&connection);
        drop(connection);
        drop(lock);
    }
}

/// A handle to the thread.
#[derive(Clone)]
pub(super) struct Writer {
    sender: Sender<WriterCommand>,
    /// How many writes are queued, deferred ones aside.
    queued: Arc<AtomicUsize>,
    /// Writes that may wait for others to share their commit.
    deferred: DeferredWrites<Box<dyn Write>>,
    batching: Batching,
}

enum WriterCommand {
    Write(Box<dyn Write>),
    /// There are deferred writes.
    Deferred,
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// One caller's write. It may be executed twice, of which one execution is committed at most.
trait Write: Send {
    fn execute(&mut self, connection: &Connection) -> Result<(), StoreError>;

    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(mut file: DatabaseFile, batching: Batching) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let deferred = DeferredWrites::default();
        let queue = Queue { receiver, queued: Arc::clone(&queued), deferred: deferred.clone(), batching };
        thread::Builder::new().name(String::from("athm-writer")).spawn(move || {
            let closed = run(&mut file, queue);
            file.close();
            if let Some(closed) = closed {
                let _ = closed.send(Ok(()));
            }
        })?;
        Ok(Self { sender, queued, deferred, batching })
    }

    /// Queues a write. After its commit, `committed` is called with the result on the writer's thread, even when the
    /// caller has gone away. [`StoreError::Busy`] when too many writes are queued: a stalled disk then shows at the edge.
    pub(super) fn write<T: Send + 'static, U: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce(T) -> U + Send + 'static,
    ) -> StoreFuture<'static, U> {
        if self.queued.load(Ordering::Acquire) >= MAX_QUEUED {
            return async { Err(StoreError::Busy) }.boxed();
        }
        self.write_unbounded(work, committed)
    }

    fn write_unbounded<T: Send + 'static, U: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce(T) -> U + Send + 'static,
    ) -> StoreFuture<'static, U> {
        let (write, answer) = queued_write(work, committed);
        self.queued.fetch_add(1, Ordering::AcqRel);
        self.send(WriterCommand::Write(write), answer)
    }

    /// Queues a write of something that has happened already, and that is therefore never refused. It may wait up to
    /// [`MAX_BATCH_DELAY`] for others to share its commit.
    pub(super) fn write_deferred<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        if !self.batching.defers() {
            return self.write_unbounded(work, |written| written);
        }
        let (write, answer) = queued_write(work, |written| written);
        match self.deferred.push(write) {
            Wake::Writer => self.send(WriterCommand::Deferred, answer),
            Wake::Nothing => answered(answer),
        }
    }

    fn send<U: Send + 'static>(
        &self,
        message: WriterCommand,
        answer: oneshot::Receiver<Result<U, StoreError>>,
    ) -> StoreFuture<'static, U> {
        // A message that isn't received drops the write, or the write was dropped when the thread ended: both close `answer`.
        let _ = self.sender.send(message);
        answered(answer)
    }

    /// Executes the queued writes, and ends the thread.
    pub(super) fn close(&self) -> StoreFuture<'static, ()> {
        let (sender, answer) = oneshot::channel();
        self.send(WriterCommand::Close(sender), answer)
    }
}

fn answered<U: Send + 'static>(answer: oneshot::Receiver<Result<U, StoreError>>) -> StoreFuture<'static, U> {
    async { answer.await.unwrap_or(Err(StoreError::Closed)) }.boxed()
}

fn queued_write<T: Send + 'static, U: Send + 'static>(
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
    fn execute(&mut self, connection: &Connection) -> Result<(), StoreError> {
        // Drops what an earlier execution has taken.
        self.written = None;
        let written = (self.work)(connection);
        let result = written.as_ref().map(drop).map_err(Clone::clone);
        self.written = Some(written);
        result
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { written, committed: then, answer, .. } = *self;
        // A write's own error says more than that of the commit.
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
    receiver: Receiver<WriterCommand>,
    queued: Arc<AtomicUsize>,
    deferred: DeferredWrites<Box<dyn Write>>,
    batching: Batching,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.deferred.close();
    }
}

/// The writes of one commit.
#[derive(Default)]
struct Batch {
    writes: Vec<Box<dyn Write>>,
    closed: Option<oneshot::Sender<Result<(), StoreError>>>,
}

impl Queue {
    /// Takes all writes that are queued, deferred ones first. While there is no other, it waits for more. `None` when every
    /// sender is gone.
    fn next(&self) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut wait_until = self.take(self.receiver.recv().ok()?, &mut batch);
        while batch.writes.len() < self.batching.max_writes() && batch.closed.is_none() {
            let next = match wait_until {
                Some(until) => self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())),
                None => self.receiver.try_recv().map_err(|_| RecvTimeoutError::Timeout),
            };
            let Ok(message) = next else { break };
            // One write that isn't deferred ends the wait.
            wait_until = self.take(message, &mut batch).and(wait_until);
        }
        let deferred = if batch.closed.is_some() { self.deferred.close() } else { self.deferred.take() };
        batch.writes.splice(0..0, deferred);
        Some(batch)
    }

    /// Adds a message to the batch. Returns until when deferred writes may wait.
    fn take(&self, message: WriterCommand, batch: &mut Batch) -> Option<Instant> {
        match message {
            WriterCommand::Write(write) => {
                self.queued.fetch_sub(1, Ordering::AcqRel);
                batch.writes.push(write);
            }
            WriterCommand::Deferred => return Some(Instant::now() + MAX_BATCH_DELAY),
            WriterCommand::Close(answer) => batch.closed = Some(answer),
        }
        None
    }
}

fn run(file: &mut DatabaseFile, queue: Queue) -> Option<oneshot::Sender<Result<(), StoreError>>> {
    let mut stamped = None;
    while let Some(Batch { mut writes, closed }) = queue.next() {
        let now = file.clock.steady();
        let stamps = !writes.is_empty() && stamped.is_none_or(|at| now >= later(at, STAMP_INTERVAL));
        if stamps {
            stamped = Some(now);
            writes.push(queued_write(move |connection| Ok(restart::stamp(connection, now)?), |()| ()).0);
        }
        let (before, mut failure) = (file.connection.total_changes(), None);
        let committed = commit(&mut file.connection, &mut writes, &mut failure);
        match &committed {
            Err(error) => file.health.record(now, Err(error.clone())),
            Ok(()) if file.connection.total_changes() > before => file.health.record(now, Ok(())),
            Ok(()) if failure.is_some() => file.health.record(now, failure.map_or(Ok(()), Err)),
            Ok(()) if stamps => file.health.record(now, Ok(())),
            // A write that changes nothing writes no page: it succeeds on a full disk, too.
            Ok(()) => {}
        }
        for write in writes {
            write.answer(committed.clone());
        }
        file.wal.check();
        if closed.is_some() {
            return closed;
        }
    }
    None
}

/// Commits all writes at once, first without savepoints, then, if one of them fails, with one for each. `failure` is set if
/// one fails because the database does.
fn commit(
    connection: &mut Connection,
    writes: &mut [Box<dyn Write>],
    failure: &mut Option<StoreError>,
) -> Result<(), StoreError> {
    if writes.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match writes.iter_mut().try_for_each(|write| attempt(write, &transaction)) {
        Ok(()) => return Ok(transaction.commit()?),
        // A full disk may have rolled it back already.
        Err(_) if transaction.is_autocommit() => drop(transaction),
        Err(_) => transaction.rollback()?,
    }
    commit_each(connection, writes, failure)
}

/// Commits all writes at once; one that fails is rolled back to its savepoint, and keeps its own error.
fn commit_each(
    connection: &mut Connection,
    writes: &mut [Box<dyn Write>],
    failure: &mut Option<StoreError>,
) -> Result<(), StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in writes {
        let savepoint = transaction.savepoint()?;
        match attempt(write, &savepoint) {
            Ok(()) => savepoint.commit()?,
            Err(error) => {
                drop(savepoint);
                // A full disk rolls back the whole transaction: later writes would be outside of any.
                if transaction.is_autocommit() {
                    return Err(error);
                }
                if is_of_the_database(&error) {
                    *failure = Some(error);
                }
            }
        }
    }
    Ok(transaction.commit()?)
}

/// Whether any other write would fail as well.
fn is_of_the_database(error: &StoreError) -> bool {
    let error = match error {
        StoreError::Locked(_) => return true,
        StoreError::Database(error) => error,
        _ => return false,
    };
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    matches!(
        code,
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::NotADatabase
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
        )
    )
}

/// A write that panics fails alone: all others need this thread.
fn attempt(write: &mut Box<dyn Write>, connection: &Connection) -> Result<(), StoreError> {
    catch_unwind(AssertUnwindSafe(|| write.execute(connection))).unwrap_or(Err(StoreError::Panicked))
}
