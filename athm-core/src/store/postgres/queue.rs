//! What waits to be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::job::{Job, WriteResult};

/// How long a write that nobody waits for may wait for company.
pub(super) const MAX_BATCH_DELAY: Duration = Duration::from_millis(10);

pub(super) enum WriterMessage {
    Write(Job),
    /// A write whose caller is in no hurry, and that can't be refused.
    Lazy(Job),
    Close(oneshot::Sender<WriteResult<()>>),
}

/// A write that waits.
pub(super) struct PendingWrite {
    pub(super) job: Job,
    pub(super) is_lazy: bool,
    /// When it gives up; none until the connection was lost.
    pub(super) until: Option<Instant>,
}

pub(super) struct Queue {
    pub(super) receiver: UnboundedReceiver<WriterMessage>,
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) most: usize,
    /// What a lost connection has left to be written.
    pub(super) left: Vec<PendingWrite>,
}

/// What is committed together.
pub(super) struct Batch {
    pub(super) writes: Vec<PendingWrite>,
    pub(super) closed: Option<oneshot::Sender<WriteResult<()>>>,
}

impl Queue {
    /// Everything that waits. When none of it is in a hurry, what comes within the next moments too; `None` when
    /// nobody can send anything any more.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch { writes: std::mem::take(&mut self.left), closed: None };
        // What is left leaves room for others: they wait for an answer, also if it is that the server is away.
        let most = self.most + batch.writes.len();
        let mut patience = Some(Instant::now() + MAX_BATCH_DELAY);
        if batch.writes.is_empty() {
            let message = self.receiver.recv().await?;
            patience = self.take(message, &mut batch);
        }
        while batch.writes.len() < most && batch.closed.is_none() {
            let next = match patience {
                Some(until) => timeout_at(until, self.receiver.recv()).await.ok().flatten(),
                None => self.receiver.try_recv().ok(),
            };
            let Some(message) = next else { break };
            // One that is in a hurry ends the patience of all.
            patience = self.take(message, &mut batch).and(patience);
        }
        Some(batch)
    }

    /// Until when this one has time.
    fn take(&self, message: WriterMessage, batch: &mut Batch) -> Option<Instant> {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        match message {
            WriterMessage::Write(job) => batch.writes.push(PendingWrite { job, is_lazy: false, until: None }),
            WriterMessage::Lazy(job) => {
                batch.writes.push(PendingWrite { job, is_lazy: true, until: None });
                return Some(Instant::now() + MAX_BATCH_DELAY);
            }
            WriterMessage::Close(answer) => batch.closed = Some(answer),
        }
        None
    }
}
