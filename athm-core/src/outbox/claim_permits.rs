//! How many deliveries a process holds: claimed, and not acknowledged yet.
//!
//! Between two deliveries of one slot lie two commits, that of an acknowledgement and that of a claim. A process that claims
//! only for free slots waits for the disk most of the time. So it claims ahead: beside one delivery for each slot, as many as
//! it runs in about a second, by how many have ended lately ([`Pace`]). With 64 slots and receivers that take 10 s, 6 end
//! in a second, and 70 are held; with receivers that take a millisecond, [`MAX_AHEAD`] are. A delivery that has waited for a
//! slot for [`MAX_START_DELAY`] all the same is released, and costs no attempt.
//!
//! New deliveries, which the commit claims that inserts them, and due ones, which the poll claims, share the permits. While
//! there is a backlog, a commit takes no more than half of them, and the poll leaves half of them if a commit found none. So
//! neither waits for the end of the other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::pace::Pace;

/// How long a claimed delivery waits until it may start, before it is released.
pub(crate) const MAX_START_DELAY: Duration = Duration::from_secs(1);
/// How many deliveries are claimed ahead of free slots at most. They are in memory, and a process that dies leaves them
/// behind.
const MAX_AHEAD: usize = 2048;
/// How many deliveries one claim takes at most: what is recorded meanwhile waits for its statements.
const MAX_CLAIM: usize = 256;

/// The permits of a process to hold deliveries.
#[derive(Debug, Clone)]
pub(crate) struct ClaimPermits(Arc<Shared>);

/// A permit to hold one delivery, from its claim until it is acknowledged.
#[derive(Debug)]
pub(crate) struct ClaimPermit {
    shared: Arc<Shared>,
    by: Claimant,
}

#[derive(Debug)]
struct Shared {
    /// How many deliveries run at once.
    slots: usize,
    held: Mutex<Held>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    by_commits: usize,
    by_polls: usize,
    /// Whether a commit found too few permits since the last poll, or a delivery was released.
    has_turned_away: bool,
    pace: Pace,
}

#[derive(Debug, Clone, Copy)]
enum Claimant {
    Commit,
    Poll,
}

impl ClaimPermits {
    pub(crate) fn new(slots: usize) -> Self {
        Self(Arc::new(Shared { slots, held: Mutex::default(), freed: Notify::new() }))
    }

    /// Permits for new deliveries: up to `wanted`, as many as there are.
    pub(super) fn take_for_commit(&self, wanted: usize, has_backlog: bool) -> Vec<ClaimPermit> {
        let mut held = self.0.held();
        let all = self.0.allowed(&held);
        let share = if has_backlog { all / 2 } else { all };
        let count = wanted.min(held.free(all)).min(share.saturating_sub(held.by_commits));
        held.has_turned_away |= count < wanted;
        held.by_commits += count;
        self.permits(count, Claimant::Commit)
    }

    /// Whether there are more.
    pub(super) fn has_free(&self) -> bool {
        let held = self.0.held();
        held.free(self.0.allowed(&held)) > 0
    }

    /// Permits for due deliveries, for one claim.
    pub(crate) fn take_for_poll(&self) -> Vec<ClaimPermit> {
        let mut held = self.0.held();
        let count = self.0.allowed_for_poll(&held);
        held.has_turned_away = false;
        held.by_polls += count;
        self.permits(count, Claimant::Poll)
    }

    /// Whether there are permits for as many due deliveries as one claim takes.
    pub(crate) fn has_full_claim(&self) -> bool {
        self.0.allowed_for_poll(&self.0.held()) == MAX_CLAIM
    }

    /// A permit for a delivery that gave up its own while it waited, and starts now: also where there is none left.
    pub(crate) fn take_to_start(&self) -> ClaimPermit {
        self.0.held().by_commits += 1;
        ClaimPermit { shared: Arc::clone(&self.0), by: Claimant::Commit }
    }

    fn permits(&self, count: usize, by: Claimant) -> Vec<ClaimPermit> {
        (0..count).map(|_| ClaimPermit { shared: Arc::clone(&self.0), by }).collect()
    }

    /// A receiver has ended at this steady time.
    pub(crate) fn ended(&self, at: Timestamp) {
        self.0.held().pace.ended(at);
    }

    /// A delivery was released because it couldn't start in time: fewer are claimed ahead from now on.
    pub(super) fn released(&self) {
        let mut held = self.0.held();
        held.pace.reset();
        held.has_turned_away = true;
    }

    /// Whether something was left due since permits were taken for the last poll.
    pub(super) fn has_turned_away(&self) -> bool {
        self.0.held().has_turned_away
    }

    /// Waits until a permit becomes free.
    pub(crate) async fn freed(&self) {
        self.0.freed.notified().await;
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many permits there are in all.
    fn allowed(&self, held: &Held) -> usize {
        self.slots.saturating_add(held.pace.per_second().min(MAX_AHEAD))
    }

    /// How many one poll may take now.
    fn allowed_for_poll(&self, held: &Held) -> usize {
        let all = self.allowed(held);
        let share = if held.has_turned_away { all - all / 2 } else { all };
        MAX_CLAIM.min(held.free(all)).min(share.saturating_sub(held.by_polls))
    }
}

impl Held {
    fn free(&self, all: usize) -> usize {
        all.saturating_sub(self.by_commits + self.by_polls)
    }
}

impl Drop for ClaimPermit {
    fn drop(&mut self) {
        let mut held = self.shared.held();
        match self.by {
            Claimant::Commit => held.by_commits -= 1,
            Claimant::Poll => held.by_polls -= 1,
        }
        drop(held);
        self.shared.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(permits: &ClaimPermits, times: usize) {
        (0..times).for_each(|_| permits.ended(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn a_process_claims_for_its_slots_and_ahead_what_it_ran_in_a_second() {
        let permits = ClaimPermits::new(4);
        assert_eq!(permits.take_for_poll().len(), 4);
        ended(&permits, 10);
        assert_eq!(permits.take_for_poll().len(), 14);
        ended(&permits, 10_000);
        assert_eq!(permits.take_for_commit(usize::MAX, false).len(), 4 + MAX_AHEAD);
        permits.released();
        assert_eq!(permits.take_for_commit(usize::MAX, false).len(), 4);
    }

    #[test]
    fn a_full_claim_is_allowed_while_there_are_permits_for_one() {
        let permits = ClaimPermits::new(4);
        assert!(!permits.has_full_claim());
        ended(&permits, 10_000);
        let claims: Vec<_> = std::iter::from_fn(|| permits.has_full_claim().then(|| permits.take_for_poll())).collect();
        assert_eq!(claims.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_CLAIM; MAX_AHEAD / MAX_CLAIM]);
        // The other four, and then none.
        assert_eq!(permits.take_for_poll().len(), 4);
        assert!(!permits.has_full_claim());
    }

    #[test]
    fn neither_new_deliveries_nor_the_backlog_take_all_permits_from_the_other() {
        let permits = ClaimPermits::new(9);
        let new = permits.take_for_commit(9, true);
        let due = permits.take_for_poll();
        assert_eq!((new.len(), due.len()), (4, 5));
        drop((new, due));
        // No commit has wanted more since: the poll takes all. Then a commit finds none, and gets its half.
        let due = permits.take_for_poll();
        assert_eq!((due.len(), permits.take_for_commit(1, true).len()), (9, 0));
        drop(due);
        let due = permits.take_for_poll();
        assert_eq!((due.len(), permits.take_for_commit(9, true).len()), (5, 4));
    }

    #[test]
    fn what_starts_without_a_permit_counts_among_those_that_are_held() {
        let permits = ClaimPermits::new(2);
        let held = permits.take_for_poll();
        let starting = permits.take_to_start();
        drop(held);
        assert_eq!(permits.take_for_poll().len(), 1);
        drop(starting);
        assert_eq!(permits.take_for_poll().len(), 2);
    }

    #[test]
    fn the_backlog_has_the_only_permit_first() {
        let permits = ClaimPermits::new(1);
        assert_eq!(permits.take_for_commit(1, true).len(), 0);
        assert_eq!(permits.take_for_poll().len(), 1);
        assert_eq!(permits.take_for_commit(1, false).len(), 1);
    }
}
