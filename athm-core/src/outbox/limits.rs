//! How many deliveries of one receiver may run at once: its `concurrency`.
//!
//! A delivery that waits for its receiver's limit holds no slot, so that it holds up no other receiver. It stays claimed if it
//! is claimed already; while a receiver is at its limit, no further delivery of it is claimed, neither by the commit that
//! inserts it nor by the worker's poll. So no process holds more claims than it has slots and running deliveries.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::receiver::ReceiverInfo;

/// The limits of the receivers that have one, by each of their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits(Arc<HashMap<String, Limit>>);

/// The limit of one receiver.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    permits: Arc<Semaphore>,
    /// Whether a delivery was left unclaimed for this limit.
    has_turned_away: Arc<AtomicBool>,
    /// Wakes the worker's poll.
    woken: Arc<Notify>,
}

/// A permit to run one delivery of a receiver with a limit, until it is dropped.
#[derive(Debug)]
pub(crate) struct LimitPermit {
    permit: Option<OwnedSemaphorePermit>,
    limit: Limit,
}

impl Limits {
    pub(super) fn of<'a>(receivers: impl IntoIterator<Item = &'a ReceiverInfo>, woken: &Arc<Notify>) -> Self {
        let mut limits = HashMap::new();
        for receiver in receivers {
            let Some(most) = receiver.concurrency() else { continue };
            let permits = Arc::new(Semaphore::new(most as usize));
            let limit = Limit { permits, has_turned_away: Arc::default(), woken: Arc::clone(woken) };
            for id in super::ids(receiver) {
                limits.insert(id.to_owned(), limit.clone());
            }
        }
        Self(Arc::new(limits))
    }

    /// The limit of the receiver with that id, if it has one.
    pub(crate) fn get(&self, receiver: &str) -> Option<&Limit> {
        self.0.get(receiver)
    }

    /// Whether no further delivery of that receiver may be claimed now. The worker is woken when it may.
    pub(crate) fn is_reached(&self, receiver: &str) -> bool {
        self.get(receiver).is_some_and(Limit::is_reached)
    }

    /// Gives out no more permits.
    pub(super) fn close(&self) {
        self.0.values().for_each(|limit| limit.permits.close());
    }
}

impl Limit {
    fn is_reached(&self) -> bool {
        if self.permits.available_permits() > 0 {
            return false;
        }
        self.has_turned_away.store(true, Ordering::SeqCst);
        // It may have become free before that was noted, and then woke no one.
        self.permits.available_permits() == 0
    }

    /// A permit, if there is one now.
    pub(crate) fn try_acquire(&self) -> Option<LimitPermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok().map(|permit| self.given(permit))
    }

    /// The next permit; `None` once no more are given out.
    pub(crate) async fn acquire(&self) -> Option<LimitPermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok().map(|permit| self.given(permit))
    }

    fn given(&self, permit: OwnedSemaphorePermit) -> LimitPermit {
        LimitPermit { permit: Some(permit), limit: self.clone() }
    }
}

impl Drop for LimitPermit {
    fn drop(&mut self) {
        // The permit first: the claim that is woken must find it free.
        self.permit = None;
        if self.limit.has_turned_away.swap(false, Ordering::SeqCst) {
            self.limit.woken.notify_one();
        }
    }
}
