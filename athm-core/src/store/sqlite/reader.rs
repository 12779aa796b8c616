//! The thread that reads. It has a connection of its own: in WAL mode, reads and writes don't wait for each other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::{io, thread};

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::{StoreError, StoreFuture};

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// A handle to the thread; `None` once it is closed.
pub(super) struct Reader(Mutex<Option<mpsc::Sender<Read>>>);

impl Reader {
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Read>();
        thread::Builder::new().name(String::from("athm-reader")).spawn(move || {
            for read in receiver {
                // A read that panics drops its answer: its caller gets an error, and the thread goes on.
                let _ = catch_unwind(AssertUnwindSafe(|| read(&connection)));
            }
        })?;
        Ok(Self(Mutex::new(Some(sender))))
    }

    pub(super) fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let read: Read = Box::new(move |connection| drop(sender.send(work(connection).map_err(StoreError::from))));
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
