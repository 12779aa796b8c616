//! The way from a commit to the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, mpsc};

use super::running::Running;
use super::{EventDeliveries, Handover, Limits, Slot, Slots, Suspects};
use crate::models::DeliveryId;
use crate::receiver::ReceiverInfo;

/// Takes the deliveries that a commit has claimed. From then on they count as running, so that athm is never taken for
/// idle between the commit and the start of the receiver.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::UnboundedSender<EventDeliveries>,
    pub(crate) running: Running,
    pub(crate) slots: Slots,
    pub(crate) suspects: Suspects,
    pub(crate) limits: Limits,
    /// Whether more is due than was claimed.
    pub(crate) backlog: Arc<AtomicBool>,
    pub(crate) woken: Arc<Notify>,
    pub(crate) stopping: Arc<AtomicBool>,
}

/// The worker's end of the channel.
pub(crate) type Unstarted = mpsc::UnboundedReceiver<EventDeliveries>;

impl Outbox {
    pub(crate) fn new(slots: Slots) -> (Self, Unstarted) {
        let (sender, unstarted) = mpsc::unbounded_channel();
        let woken = Arc::new(Notify::new());
        let outbox = Self {
            sender,
            running: Running::default(),
            slots,
            suspects: Suspects::new(Arc::clone(&woken)),
            limits: Limits::default(),
            backlog: Arc::default(),
            woken,
            stopping: Arc::default(),
        };
        (outbox, unstarted)
    }

    /// The same, with the limits of these receivers.
    pub(crate) fn limited<'a>(mut self, receivers: impl IntoIterator<Item = &'a ReceiverInfo>) -> Self {
        self.limits = Limits::of(receivers, &self.woken);
        self
    }

    /// Takes up to `wanted` slots. Deliveries that get none are stored as due, which is a backlog.
    pub(crate) fn take_slots(&self, wanted: usize) -> Vec<Slot> {
        let slots = if self.is_stopping() { Vec::new() } else { self.slots.take(wanted) };
        if slots.len() < wanted {
            self.backlog.store(true, Ordering::Release);
        }
        slots
    }

    /// Hands the worker what a committed recording leaves for it.
    pub(crate) fn take_over(&self, Handover { claimed, has_released }: Handover) {
        claimed.into_iter().for_each(|event| self.hand_over(event));
        if has_released {
            self.backlog.store(true, Ordering::Release);
            self.wake();
        }
    }

    /// Hands claimed deliveries to the worker, after their commit.
    pub(crate) fn hand_over(&self, claimed: EventDeliveries) {
        if claimed.deliveries.is_empty() {
            return;
        }
        self.running.claimed(claimed.deliveries.iter().map(|delivery| (delivery.id(), delivery.attempt)));
        if let Err(mpsc::error::SendError(claimed)) = self.sender.send(claimed) {
            // The worker is gone: the leases end, or the program starts again.
            claimed.deliveries.iter().for_each(|delivery| self.running.ended(delivery.id()));
        }
    }

    /// The deliveries that run here. On the thread or task that writes this is exact, because it hands over what it
    /// has claimed itself.
    pub(crate) fn running(&self) -> Vec<DeliveryId> {
        self.running.all().into_iter().map(|(id, _)| id).collect()
    }

    /// Starts no further delivery.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.slots.close();
        self.limits.close();
        self.wake();
    }

    /// Makes the worker poll for due deliveries now.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
