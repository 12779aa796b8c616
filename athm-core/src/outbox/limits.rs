//! How many deliveries of one receiver may run at once: its `concurrency`.
//!
//! A delivery that waits for its receiver's limit holds neither a slot nor a [claim permit](super::ClaimPermit), so that it
//! holds up no other receiver. While a receiver is at its limit, no further delivery of it is claimed, neither by the commit
//! that inserts it nor by the worker's poll. A burst is claimed before the first of it runs: of that, a process holds
//! [`Limit::claims`] at most, and releases what doesn't start in time.

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
    /// How many more may be claimed: enough that the next ones are there when one ends.
    claims: Arc<Semaphore>,
    /// Whether a delivery was left unclaimed for this limit.
    has_turned_away: Arc<AtomicBool>,
    /// Wakes the worker's poll.
    woken: Arc<Notify>,
}

/// A claimed delivery of a receiver with a limit, until its receiver has ended.
#[derive(Debug)]
pub(crate) struct LimitClaim(LimitPermit);

/// A permit to run one delivery of a receiver with a limit, until it is dropped.
#[derive(Debug)]
pub(crate) struct LimitPermit {
    permit: Option<OwnedSemaphorePermit>,
    limit: Limit,
}

/// No further delivery of the receiver may be claimed now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitReached;

/// How many deliveries of a receiver are claimed at most, beside twice its limit.
const CLAIMED_AHEAD: usize = 16;

impl Limits {
    pub(super) fn of<'a>(receivers: impl IntoIterator<Item = &'a ReceiverInfo>, woken: &Arc<Notify>) -> Self {
        let mut limits = HashMap::new();
        for receiver in receivers {
            let Some(most) = receiver.concurrency() else { continue };
            let permits = Arc::new(Semaphore::new(most as usize));
            let claims = Arc::new(Semaphore::new(2 * most as usize + CLAIMED_AHEAD));
            let limit = Limit { permits, claims, has_turned_away: Arc::default(), woken: Arc::clone(woken) };
            for id in super::ids(receiver) {
                limits.insert(id.to_owned(), limit.clone());
            }
        }
        Self(Arc::new(limits))
    }

    /// Whether no further delivery of that receiver may be claimed now. The worker is woken when it may.
    pub(crate) fn is_reached(&self, receiver: &str) -> bool {
        self.0.get(receiver).is_some_and(Limit::is_reached)
    }

    /// How many deliveries of that receiver may be claimed now; `None` without a limit.
    pub(crate) fn claimable(&self, receiver: &str) -> Option<usize> {
        self.0.get(receiver).map(|limit| limit.claims.available_permits())
    }

    /// Counts a delivery of that receiver as claimed. `None` without a limit.
    pub(crate) fn claim(&self, receiver: &str) -> Result<Option<LimitClaim>, LimitReached> {
        let Some(limit) = self.0.get(receiver) else { return Ok(None) };
        if limit.is_reached() {
            return Err(LimitReached);
        }
        let permit = Arc::clone(&limit.claims).try_acquire_owned().map_err(|_| LimitReached)?;
        Ok(Some(LimitClaim(limit.given(permit))))
    }

    /// Gives out no more permits.
    pub(super) fn close(&self) {
        self.0.values().for_each(|limit| limit.permits.close());
    }
}

impl Limit {
    fn is_reached(&self) -> bool {
        let is_reached = || self.permits.available_permits() == 0 || self.claims.available_permits() == 0;
        if !is_reached() {
            return false;
        }
        self.has_turned_away.store(true, Ordering::SeqCst);
        // It may have become free before that was noted, and then woke no one.
        is_reached()
    }

    fn given(&self, permit: OwnedSemaphorePermit) -> LimitPermit {
        LimitPermit { permit: Some(permit), limit: self.clone() }
    }
}

impl LimitClaim {
    /// No longer counts it among the claims of its receiver: it waits for another one.
    pub(crate) fn uncount(&mut self) {
        self.0.release();
    }

    /// A permit to run it, if there is one now.
    pub(crate) fn try_run(&self) -> Option<LimitPermit> {
        let limit = &self.0.limit;
        Arc::clone(&limit.permits).try_acquire_owned().ok().map(|permit| limit.given(permit))
    }

    /// The next permit to run it; `None` once no more are given out.
    pub(crate) async fn run(&self) -> Option<LimitPermit> {
        let limit = &self.0.limit;
        Arc::clone(&limit.permits).acquire_owned().await.ok().map(|permit| limit.given(permit))
    }
}

impl LimitPermit {
    fn release(&mut self) {
        // The permit first: the claim that is woken must find it free.
        let was_held = self.permit.take().is_some();
        if was_held && self.limit.has_turned_away.swap(false, Ordering::SeqCst) {
            self.limit.woken.notify_one();
        }
    }
}

impl Drop for LimitPermit {
    fn drop(&mut self) {
        self.release();
    }
}
