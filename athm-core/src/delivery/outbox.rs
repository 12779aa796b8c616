//! From the commit to the worker.

use tokio::sync::{mpsc, watch};

use super::Work;

/// Takes what was committed. It counts at once what it takes, so that nobody finds athm idle in between.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::UnboundedSender<Work>,
    running: watch::Sender<usize>,
}

/// What the outbox took, for the worker.
pub(crate) type Unstarted = mpsc::UnboundedReceiver<Work>;

impl Outbox {
    pub(crate) fn new() -> (Self, Unstarted) {
        let (sender, unstarted) = mpsc::unbounded_channel();
        (Self { sender, running: watch::Sender::new(0) }, unstarted)
    }

    pub(crate) fn hand_over(&self, work: Work) {
        if work.deliveries.is_empty() {
            return;
        }
        self.running.send_modify(|running| *running += 1);
        if self.sender.send(work).is_err() {
            // No worker is left: the deliveries run when the program starts again.
            self.finished();
        }
    }

    pub(super) fn finished(&self) {
        self.running.send_modify(|running| *running -= 1);
    }

    /// Waits until all that was handed over has ended.
    pub(crate) async fn idle(&self) {
        // The sender is alive as long as `self` is, so this ends only when nothing runs.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}
