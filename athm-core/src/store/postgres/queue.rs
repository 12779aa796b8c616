//! The queue of writes, and the batches that are taken from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::queued_write::AnyWrite;
use super::request::WriteResult;
use crate::store::batching::{DeferredWrites, MAX_BATCH_DELAY};

pub(super) enum WriterCommand {
    Write(AnyWrite),
    /// There are deferred writes.
    Deferred,
    Close(oneshot::Sender<WriteResult<()>>),
}

/// A write that isn't committed yet.
pub(super) struct PendingWrite {
    pub(super) write: AnyWrite,
    pub(super) is_deferred: bool,
    /// Until when it is retried; set when its first commit fails.
    pub(super) retry_until: Option<Instant>,
    /// Until when it waits for a lock; set when it first meets one, or is held back behind one that did.
    pub(super) locked_until: Option<Instant>,
}

impl PendingWrite {
    fn new(write: AnyWrite, is_deferred: bool) -> Self {
        Self { write, is_deferred, retry_until: None, locked_until: None }
    }
}

pub(super) struct Queue {
    pub(super) receiver: UnboundedReceiver<WriterCommand>,
    /// How many writes are queued, deferred ones aside.
    pub(super) queued: Arc<AtomicUsize>,
    /// Writes that are never refused, and that may wait for others to share their commit.
    pub(super) deferred: DeferredWrites<AnyWrite>,
    pub(super) max_writes: usize,
    /// Writes that are retried with the next batch.
    pub(super) retries: Vec<PendingWrite>,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.deferred.close();
    }
}

/// The writes of one commit.
pub(super) struct Batch {
    pub(super) writes: Vec<PendingWrite>,
    pub(super) closed: Option<oneshot::Sender<WriteResult<()>>>,
}

impl Queue {
    /// Takes all writes that are queued, deferred ones first. While there is no other, it waits for more. None at all if none
    /// comes until `until`. `None` when every sender is gone.
    pub(super) async fn next(&mut self, until: Option<Instant>) -> Option<Batch> {
        let mut batch = Batch { writes: std::mem::take(&mut self.retries), closed: None };
        // Retries take no other write's place: callers get an answer, even if it is that the server can't be reached.
        let retries = batch.writes.len();
        let max_writes = self.max_writes + retries;
        let mut wait_until = Some(Instant::now() + MAX_BATCH_DELAY);
        if batch.writes.is_empty() {
            let message = match until {
                Some(until) => match timeout_at(until, self.receiver.recv()).await {
                    Ok(message) => message?,
                    Err(_) => return Some(batch),
                },
                None => self.receiver.recv().await?,
            };
            wait_until = self.take(message, &mut batch);
        }
        while batch.writes.len() < max_writes && batch.closed.is_none() {
            let next = match wait_until {
                Some(until) => timeout_at(until, self.receiver.recv()).await.ok().flatten(),
                None => self.receiver.try_recv().ok(),
            };
            let Some(message) = next else { break };
            // One write that isn't deferred ends the wait.
            wait_until = self.take(message, &mut batch).and(wait_until);
        }
        let deferred = if batch.closed.is_some() { self.deferred.close() } else { self.deferred.take() };
        batch.writes.splice(retries..retries, deferred.into_iter().map(|write| PendingWrite::new(write, true)));
        Some(batch)
    }

    /// Adds a message to the batch. Returns until when deferred writes may wait.
    fn take(&self, message: WriterCommand, batch: &mut Batch) -> Option<Instant> {
        match message {
            WriterCommand::Write(write) => {
                self.queued.fetch_sub(1, Ordering::AcqRel);
                batch.writes.push(PendingWrite::new(write, false));
            }
            WriterCommand::Deferred => return Some(Instant::now() + MAX_BATCH_DELAY),
            WriterCommand::Close(answer) => batch.closed = Some(answer),
        }
        None
    }
}
