//! The thread that reads. It has a connection of its own: in WAL mode, reads and writes don't wait for each other.
//!
//! A read is one transaction: all its statements see the database as it was at the first of them. A payment, its items and
//! its customer are in three tables, and a commit between two statements would show the items of another state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::{io, thread};

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::{StoreError, StoreFuture};

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// A handle to the thread; `None` once it is closed.
pub(super) struct Reader(Mutex<Option<mpsc::Sender<Read>>>);

impl Reader {
    /// Starts the thread. It ends, and closes the connection, after [`close`](Self::close).
    pub(super) fn start(connection: Connection) -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = mpsc::channel::<Read>();
        let reading = thread::Builder::new().name(String::from("athm-reader")).spawn(move || {
            for read in receiver {
                // A read that panics drops its answer: its caller gets an error, and the thread goes on.
                let _ = catch_unwind(AssertUnwindSafe(|| read(&connection)));
            }
        })?;
        Ok((Self(Mutex::new(Some(sender))), reading))
    }

    pub(super) fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            // Dropping the transaction ends it, also when the read fails or panics.
            let read = connection.unchecked_transaction().and_then(|transaction| work(&transaction));
            drop(sender.send(read.map_err(StoreError::from)));
        });
        let reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = reader.as_ref().is_some_and(|reader| reader.send(read).is_ok());
        async move {
            if !sent {
                return Err(StoreError::Closed);
            }
            receiver.await.unwrap_or(Err(StoreError::Panicked))
        }
        .boxed()
    }

    /// Ends the thread once the reads that are queued are done.
    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
