//! From the commit to the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, mpsc};

use super::running::Running;
use super::{EventDeliveries, Slot, Slots};
use crate::models::DeliveryId;

/// Takes what was committed. What it takes counts as running at once, so that nobody finds athm idle in between.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::UnboundedSender<EventDeliveries>,
    pub(crate) running: Running,
    pub(crate) slots: Slots,
    /// More is due than was claimed.
    pub(crate) backlog: Arc<AtomicBool>,
    pub(crate) woken: Arc<Notify>,
    pub(crate) stopping: Arc<AtomicBool>,
}

/// What the outbox took, for the worker.
pub(crate) type Unstarted = mpsc::UnboundedReceiver<EventDeliveries>;

impl Outbox {
    pub(crate) fn new(slots: Slots) -> (Self, Unstarted) {
        let (sender, unstarted) = mpsc::unbounded_channel();
        let outbox = Self {
            sender,
            running: Running::default(),
            slots,
            backlog: Arc::default(),
            woken: Arc::default(),
            stopping: Arc::default(),
        };
        (outbox, unstarted)
    }

    /// Places for so many deliveries, or for as many as can be run right now. What gets none is stored as due.
    pub(crate) fn slots(&self, wanted: usize) -> Vec<Slot> {
        let slots = if self.is_stopping() { Vec::new() } else { self.slots.take(wanted) };
        if slots.len() < wanted {
            self.backlog.store(true, Ordering::Release);
        }
        slots
    }

    pub(crate) fn hand_over(&self, work: EventDeliveries) {
        if work.deliveries.is_empty() {
            return;
        }
        self.running.claimed(work.deliveries.iter().map(|claimed| (claimed.planned.id, claimed.attempt)));
        if let Err(mpsc::error::SendError(work)) = self.sender.send(work) {
            // No worker is left: their leases end, or the program starts again.
            work.deliveries.iter().for_each(|claimed| self.running.ended(claimed.planned.id));
        }
    }

    /// What runs here. Asked by the thread that writes, it is exact: what is claimed is handed over on that thread.
    pub(crate) fn running(&self) -> Vec<DeliveryId> {
        self.running.all().into_iter().map(|(id, _)| id).collect()
    }

    /// Has the worker look for what is due now.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
