//! Writes that wait for a row which another session has locked and doesn't let go of: an idle `psql`, a migration.
//!
//! A write waits for a lock for 100 ms at most; other processes commit in less. One that met a lock is set apart here, so
//! that all others go on, and is tried again after 100 ms, 200 ms, 400 ms … 1 s. Writes about the same payment or delivery
//! that come later wait behind it. So a row that stays locked costs the other writes a tenth of their time, or a sixth if
//! several writes wait for it, and only while one waits: that of a caller is given up after [`MAX_CALLER_WAIT`].

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::commit::{Committer, RETRY_TIMEOUT, Uncommitted};
use super::queue::PendingWrite;
use super::request::ConflictKeys;
use crate::store::StoreError;
use crate::util::backoff::Backoff;

/// How long a caller waits for a lock.
const MAX_CALLER_WAIT: Duration = Duration::from_secs(3);
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), 2, Duration::from_secs(1));

/// A write that met a lock, or that waits behind one that did.
pub(super) struct LockedWrite {
    pub(super) pending: PendingWrite,
    pub(super) error: StoreError,
    /// Until when it is tried again.
    until: Instant,
}

impl LockedWrite {
    pub(super) fn new(pending: PendingWrite, error: StoreError) -> Self {
        let until = pending
            .locked_until
            .unwrap_or_else(|| Instant::now() + if pending.is_deferred { RETRY_TIMEOUT } else { MAX_CALLER_WAIT });
        Self { pending: PendingWrite { locked_until: Some(until), ..pending }, error, until }
    }
}

/// What the writes that wait for a lock concern.
#[derive(Default)]
pub(super) struct LockedKeys(HashSet<String>);

impl LockedKeys {
    /// Adds what a write concerns that met a lock.
    pub(super) fn add(&mut self, pending: &PendingWrite) {
        self.0.extend(keys(pending));
    }

    /// Whether a write must wait behind one of those. What concerns the same as it then waits as well.
    pub(super) fn hold_back(&mut self, pending: &PendingWrite) -> bool {
        let keys = keys(pending);
        let is_held = keys.iter().any(|key| self.0.contains(key));
        self.0.extend(keys.into_iter().filter(|_| is_held));
        is_held
    }
}

/// All of a process's, in the order in which they are tried.
#[derive(Default)]
pub(super) struct LockedWrites {
    writes: Vec<LockedWrite>,
    /// How often they were tried in a row, and when they are tried next.
    rounds: u32,
    next_round: Option<Instant>,
}

impl LockedWrites {
    /// When they are tried again; `None` when there are none.
    pub(super) fn next_round(&self) -> Option<Instant> {
        self.next_round
    }

    /// Adds writes of a batch that met a lock, or that wait behind one.
    pub(super) fn add(&mut self, locked: Vec<LockedWrite>) {
        self.writes.extend(locked);
        if self.writes.is_empty() {
            *self = Self::default();
        } else if self.next_round.is_none() {
            self.rounds += 1;
            self.next_round = Some(Instant::now() + BACKOFF.pause_after(self.rounds));
        }
    }

    /// Splits a batch into the writes that can be executed now, and those that wait behind one of these.
    pub(super) fn split(&self, batch: Vec<PendingWrite>) -> (Vec<PendingWrite>, Vec<LockedWrite>) {
        let Some(first) = self.writes.first() else { return (batch, Vec::new()) };
        let mut keys = LockedKeys::default();
        self.writes.iter().for_each(|locked| keys.add(&locked.pending));
        let (held, free): (Vec<_>, Vec<_>) = batch.into_iter().partition(|pending| keys.hold_back(pending));
        (free, held.into_iter().map(|pending| LockedWrite::new(pending, first.error.clone())).collect())
    }

    /// Tries them again if it is time. Returns writes that are retried for another reason.
    pub(super) async fn retry(&mut self, committer: &Committer) -> Vec<PendingWrite> {
        let now = Instant::now();
        if self.next_round.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.next_round = None;
        let (waiting, expired): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.writes).into_iter().partition(|locked| locked.until > now);
        committer.refuse(expired);
        let waiting = waiting.into_iter().map(|locked| locked.pending).collect();
        let Uncommitted { retries, locked } = committer.commit_batch(waiting).await;
        self.add(locked);
        retries
    }

    /// Tries them for the last time.
    pub(super) async fn close(&mut self, committer: &Committer) -> Vec<PendingWrite> {
        self.next_round = self.next_round.map(|_| Instant::now());
        let mut rest = self.retry(committer).await;
        rest.extend(std::mem::take(&mut self.writes).into_iter().map(|locked| locked.pending));
        rest
    }
}

/// A write that conflicts with everything holds back none and isn't held back: one locked row would stop all writes.
fn keys(pending: &PendingWrite) -> Vec<String> {
    match pending.write.conflict_keys() {
        ConflictKeys::These(keys) => keys,
        ConflictKeys::Everything => Vec::new(),
    }
}
