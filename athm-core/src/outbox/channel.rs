//! The way from a commit to the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use super::running::Running;
use super::{Admission, ClaimPermit, ClaimPermits, EventDeliveries, Handover, Limits, Slots, Suspects};
use crate::models::DeliveryId;
use crate::receiver::ReceiverInfo;
use crate::util::clock::Clock;

/// Takes the deliveries that a commit has claimed. From then on they count as running, so that athm is never taken for
/// idle between the commit and the start of the receiver.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::UnboundedSender<EventDeliveries>,
    pub(crate) running: Running,
    pub(crate) slots: Slots,
    pub(crate) permits: ClaimPermits,
    pub(crate) suspects: Suspects,
    pub(crate) limits: Limits,
    /// Whether more is due than was claimed.
    pub(crate) backlog: Arc<AtomicBool>,
    pub(crate) woken: Arc<Notify>,
    pub(crate) stopping: Arc<AtomicBool>,
    clock: Clock,
}

/// The worker's end of the channel.
pub(crate) type Unstarted = mpsc::UnboundedReceiver<EventDeliveries>;

impl Outbox {
    pub(crate) fn new(slots: Slots, clock: Clock) -> (Self, Unstarted) {
        let (sender, unstarted) = mpsc::unbounded_channel();
        let woken = Arc::new(Notify::new());
        let outbox = Self {
            sender,
            running: Running::default(),
            permits: ClaimPermits::new(slots.count()),
            slots,
            suspects: Suspects::new(Arc::clone(&woken)),
            limits: Limits::default(),
            backlog: Arc::default(),
            woken,
            stopping: Arc::default(),
            clock,
        };
        (outbox, unstarted)
    }

    /// The same, with the limits of these receivers.
    pub(crate) fn limited<'a>(mut self, receivers: impl IntoIterator<Item = &'a ReceiverInfo>) -> Self {
        self.limits = Limits::of(receivers, &self.woken);
        self
    }

    /// Admits new deliveries of these receivers to be claimed by the commit that inserts them, one after another. Those that
    /// aren't are stored as due, which is a backlog.
    pub(crate) fn admit<'a>(&self, receivers: impl Iterator<Item = &'a str>) -> Vec<Option<Admission>> {
        let limits: Vec<_> = receivers.map(|receiver| self.limits.claim(receiver)).collect();
        let wanted = limits.iter().filter(|limit| limit.is_ok()).count();
        let mut permits = self.take_permits(wanted).into_iter();
        let each = limits.into_iter().map(|limit| Some(Admission { limit: limit.ok()?, permit: permits.next()? }));
        each.collect()
    }

    fn take_permits(&self, wanted: usize) -> Vec<ClaimPermit> {
        let has_backlog = self.backlog.load(Ordering::Acquire);
        let permits = if self.is_stopping() { Vec::new() } else { self.permits.take_for_commit(wanted, has_backlog) };
        if permits.len() < wanted {
            self.backlog.store(true, Ordering::Release);
            // The half that a commit leaves to the backlog.
            if self.permits.has_free() {
                self.wake();
            }
        }
        permits
    }

    /// A delivery that was claimed and couldn't start in time is due again.
    pub(crate) fn released(&self) {
        self.permits.released();
        self.backlog.store(true, Ordering::Release);
    }

    /// A claim has found all that is due: there is no backlog, unless a commit has left something due since.
    pub(crate) fn found_all(&self) {
        self.backlog.store(false, Ordering::Release);
        if self.permits.has_turned_away() {
            self.backlog.store(true, Ordering::Release);
        }
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
        let attempts = claimed.deliveries.iter().map(|delivery| (delivery.id(), delivery.attempt));
        self.running.claimed(attempts, claimed.claimed_at);
        if let Err(mpsc::error::SendError(claimed)) = self.sender.send(claimed) {
            // The worker is gone: the leases end, or the program starts again.
            claimed.deliveries.iter().for_each(|delivery| self.running.ended(delivery.id(), delivery.attempt.claim));
        }
    }

    /// The deliveries that run here and may be due again by their leases. On the thread or task that writes this is exact,
    /// because it hands over what it has claimed itself.
    pub(crate) fn with_old_leases(&self, now: Timestamp) -> Vec<DeliveryId> {
        self.running.with_old_leases(now)
    }

    /// How many deliveries of a receiver may be claimed now because of its limit, by `signal:receiver`.
    pub(crate) fn claimable(&self, runnable: &str) -> usize {
        let receiver = runnable.split_once(':').map_or(runnable, |(_, receiver)| receiver);
        self.limits.claimable(receiver).unwrap_or(usize::MAX)
    }

    /// The steady time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.steady()
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
