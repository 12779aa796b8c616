//! The one thread that writes: it drains what waits, commits once, and answers each caller after the commit.

use std::thread;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{Answer, StoreError};

/// How many writes may wait; more are refused, so that a stalled disk shows at the edge.
const WAITING: usize = 1024;
/// How many writes share one commit.
const BATCH: usize = 256;

/// A handle to the thread.
#[derive(Debug, Clone)]
pub(super) struct Writer(mpsc::Sender<Message>);

enum Message {
    Write(Box<dyn Write>),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// One caller's share of a commit.
trait Write: Send {
    fn write(&mut self, connection: &Connection) -> Result<(), StoreError>;

    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

impl Writer {
    /// Starts the thread. It keeps `held` until it has ended: what must outlive the connection.
    pub(super) fn start(connection: Connection, held: impl Send + 'static) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(WAITING);
        thread::Builder::new().name(String::from("athm-writer")).spawn(move || {
            let closed = run(connection, receiver);
            drop(held);
            if let Some(closed) = closed {
                let _ = closed.send(Ok(()));
            }
        })?;
        Ok(Self(sender))
    }

    /// Writes in its turn, and calls `committed` with what it made, on the writer's thread, whether or not anybody
    /// still waits. [`StoreError::Busy`] when too much waits already.
    pub(super) fn write<T: Send + 'static, U: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce(T) -> U + Send + 'static,
    ) -> Answer<'static, U> {
        let (write, answer) = share(work, committed);
        let sent = self.0.try_send(write).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        });
        async move {
            sent?;
            answer.await
        }
        .boxed()
    }

    /// The same for what has happened already and can't be refused: it waits for its turn.
    pub(super) fn write_surely<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        let (write, answer) = share(work, |written| written);
        async move {
            self.0.send(write).await.map_err(|_| StoreError::Closed)?;
            answer.await
        }
        .boxed()
    }

    /// Writes what waits, and ends the thread.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(Message::Close(sender)).await.map_err(|_| StoreError::Closed)?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }
}

fn share<T: Send + 'static, U: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    committed: impl FnOnce(T) -> U + Send + 'static,
) -> (Message, BoxFuture<'static, Result<U, StoreError>>) {
    let (sender, receiver) = oneshot::channel();
    let share = Share { work: Some(work), written: None, committed, answer: sender };
    (Message::Write(Box::new(share)), receiver.map(|answer| answer.unwrap_or(Err(StoreError::Closed))).boxed())
}

struct Share<W, C, T, U> {
    work: Option<W>,
    written: Option<Result<T, StoreError>>,
    committed: C,
    answer: oneshot::Sender<Result<U, StoreError>>,
}

impl<W, C, T, U> Write for Share<W, C, T, U>
where
    W: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    C: FnOnce(T) -> U + Send,
    T: Send,
    U: Send,
{
    fn write(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let written = work(connection);
        let result = written.as_ref().map(drop).map_err(Clone::clone);
        self.written = Some(written);
        result
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { written, committed: then, answer, .. } = *self;
        let written = committed.and_then(|()| written.unwrap_or(Err(StoreError::Closed)));
        // A caller that has gone away misses only the answer.
        let _ = answer.send(written.map(then));
    }
}

fn run(
    mut connection: Connection,
    mut queue: mpsc::Receiver<Message>,
) -> Option<oneshot::Sender<Result<(), StoreError>>> {
    while let Some(first) = queue.blocking_recv() {
        let mut writes = Vec::new();
        let mut next = Some(first);
        let mut closed = None;
        while let Some(message) = next {
            match message {
                Message::Write(write) => writes.push(write),
                Message::Close(answer) => closed = Some(answer),
            }
            next = if writes.len() < BATCH && closed.is_none() { queue.try_recv().ok() } else { None };
        }
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

/// All of them in one commit. One that fails is undone alone, and knows its own error.
fn commit(connection: &mut Connection, writes: &mut [Box<dyn Write>]) -> Result<(), StoreError> {
    if writes.is_empty() {
        return Ok(());
    }
    let mut transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::database)?;
    for write in writes {
        let savepoint = transaction.savepoint().map_err(StoreError::database)?;
        if write.write(&savepoint).is_ok() {
            savepoint.commit().map_err(StoreError::database)?;
        }
    }
    transaction.commit().map_err(StoreError::database)
}
