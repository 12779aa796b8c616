//! A batch of writes is committed.
//!
//! All writes of a batch are executed in one transaction. Two frequent kinds of batches need none, because one statement
//! writes all and commits by itself, in one round trip: new payments, and acknowledgements.
//!
//! Why a write may be executed more than once: a transaction fails as a whole. It is executed again
//!
//! - when another process was in the way (a deadlock, a row that appeared meanwhile), after a random pause, up to
//!   [`MAX_BATCH_ATTEMPTS`] times;
//! - when the connection was lost before the commit was sent, once, on a new connection;
//! - when the server refuses one of the statements, other processes stay in the way, or a lock isn't free in time: the
//!   writes are then executed one by one, each in a transaction of its own, so that a bad one fails alone. One that meets a
//!   lock [waits](super::locked), and later ones that concern the same wait behind it.
//!
//! When the connection is lost *while* the server commits, the outcome is unknown. What was written may be committed, and
//! what it claimed is released. Callers get an error, and may repeat the call, because recording an observation twice
//! fires nothing twice. Some writes are executed again all the same:
//!
//! - Deferred writes, for [`RETRY_TIMEOUT`]: no caller would repeat them, and a second commit of one changes nothing.
//! - New payments, once: those whose insert was committed are known by then.
//!
//! Of all others, at most one execution is committed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, sleep, timeout};

use super::conflict_free_groups::conflict_free_groups;
use super::fault::{Fault, Result};
use super::locked::{LockedKeys, LockedWrite};
use super::queue::PendingWrite;
use super::queued_write::{AnyWrite, QueuedWrite, execute, insert_new, only_records};
use super::reconnecting_client::ReconnectingClient;
use super::record::RecordRequest;
use super::request::BatchContext;
use super::session::Session;
use crate::store::StoreContext;
use crate::util::backoff::{Backoff, Jitter};

/// How long a deferred write is retried while the server can't be reached.
pub(super) const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one commit may take, and how long the writes of a failed batch are executed one by one.
pub(super) const COMMIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a batch is executed while other processes are in the way, before its writes are executed one by one.
const MAX_BATCH_ATTEMPTS: u32 = 6;
/// How often a single write is executed then.
const MAX_SINGLE_ATTEMPTS: u32 = 2;
/// After how many writes of a batch that met a lock the rest isn't tried any more: the whole table may be locked.
const MAX_LOCKED: usize = 2;
/// The longest pauses between these attempts: 4 ms, 8 ms, 16 ms …
const CONTENTION_BACKOFF: Backoff = Backoff::new(Duration::from_millis(4), 2, Duration::from_secs(1));

/// The writes of a batch that were neither committed nor given up.
#[derive(Default)]
pub(super) struct Uncommitted {
    /// Those that are retried with the next batch.
    pub(super) retries: Vec<PendingWrite>,
    pub(super) locked: Vec<LockedWrite>,
}

/// Commits on one connection.
pub(super) struct Committer {
    pub(super) client: ReconnectingClient,
    pub(super) context: Arc<StoreContext>,
    pub(super) jitter: Jitter,
}

impl Committer {
    /// Commits all writes at once, or one by one if one of them fails, and answers their callers.
    pub(super) async fn commit_batch(&self, writes: Vec<PendingWrite>) -> Uncommitted {
        let mut uncommitted = Uncommitted::default();
        let (mut writes, failed) = self.insert_new(writes, &mut uncommitted).await;
        if writes.is_empty() {
            return uncommitted;
        }
        let deadline = Instant::now() + COMMIT_TIMEOUT;
        let committed = match failed {
            Some(fault) => Err(fault),
            None => self.commit(&mut writes, MAX_BATCH_ATTEMPTS).await,
        };
        let fault = match committed {
            Err(fault) if writes.len() > 1 && !fault.is_lost() => fault,
            committed => {
                self.conclude(writes, committed, &mut uncommitted);
                return uncommitted;
            }
        };
        let (mut keys, mut untried, mut met_locks) = (LockedKeys::default(), Vec::new(), 0);
        for write in writes {
            if let Some(first) = uncommitted.locked.first()
                && keys.hold_back(&write)
            {
                let error = first.error.clone();
                uncommitted.locked.push(LockedWrite::new(write, error));
                continue;
            }
            if met_locks == MAX_LOCKED {
                untried.push(write);
                continue;
            }
            let mut single = vec![write];
            let committed = if Instant::now() < deadline {
                self.commit(&mut single, MAX_SINGLE_ATTEMPTS).await
            } else {
                Err(fault.clone())
            };
            if matches!(committed, Err(Fault::Locked(_))) {
                met_locks += 1;
                single.iter().for_each(|write| keys.add(write));
            }
            self.conclude(single, committed, &mut uncommitted);
        }
        // None of the untried waits behind one of the others. They come first the next time, so that each is tried.
        if let Some(error) = uncommitted.locked.first().map(|locked| locked.error.clone()) {
            let untried = untried.into_iter().map(|pending| LockedWrite::new(pending, error.clone()));
            uncommitted.locked = untried.chain(uncommitted.locked).collect();
        }
        uncommitted
    }

    /// Inserts new payments if the batch does nothing but record payments, and answers their callers. Returns the writes
    /// that are still to be executed: those of known payments, or all. If it returns a fault as well, executing them
    /// together would fail with it again.
    async fn insert_new(
        &self,
        mut writes: Vec<PendingWrite>,
        uncommitted: &mut Uncommitted,
    ) -> (Vec<PendingWrite>, Option<Fault>) {
        let mut groups = conflict_free_groups(&mut writes);
        let only_group = groups.pop().filter(|_| groups.is_empty());
        let Some(records) = only_group.and_then(only_records) else { return (writes, None) };
        let Ok(session) = self.client.session().await else { return (writes, None) };
        match self.try_insert(&session, records).await {
            Ok(()) => {
                let (inserted, left) = writes.into_iter().partition(|pending| pending.write.is_inserted());
                self.conclude(inserted, Ok(()), uncommitted);
                (left, None)
            }
            Err(Fault::Lost(_)) => {
                self.client.discard(&session).await;
                let retry_until = Instant::now() + RETRY_TIMEOUT;
                uncommitted.retries.extend(writes.iter().flat_map(|pending| self.releases(pending, retry_until)));
                (writes, None)
            }
            // The server hangs: callers have waited long enough.
            Err(fault @ Fault::Unknown(_)) => {
                self.client.discard(&session).await;
                self.conclude(writes, Err(fault), uncommitted);
                (Vec::new(), None)
            }
            Err(Fault::Contention(_)) => (writes, None),
            Err(fault) => (writes, Some(fault)),
        }
    }

    async fn try_insert(&self, session: &Session, records: Vec<&mut QueuedWrite<RecordRequest>>) -> Result<()> {
        let offset = timeout(COMMIT_TIMEOUT, session.clock_offset(&self.context.clock)).await;
        let offset = offset.unwrap_or_else(|_| Err(Fault::timed_out()))?;
        insert_new(records, BatchContext { session, offset, context: &self.context }).await
    }

    fn conclude(&self, writes: Vec<PendingWrite>, committed: Result<()>, uncommitted: &mut Uncommitted) {
        match committed {
            Ok(()) => {
                if writes.iter().any(|pending| pending.write.changes_rows()) {
                    self.context.write_health.record(self.context.clock.steady(), Ok(()));
                }
                self.answer(writes);
            }
            Err(Fault::Locked(error)) => {
                let locked = writes.into_iter().map(|pending| LockedWrite::new(pending, error.clone()));
                uncommitted.locked.extend(locked);
            }
            Err(fault) => uncommitted.retries.extend(self.fail(writes, fault)),
        }
    }

    /// Answers writes that have waited for a lock for too long.
    pub(super) fn refuse(&self, locked: Vec<LockedWrite>) {
        locked.into_iter().for_each(|locked| locked.pending.write.answer(Err(locked.error), &self.context));
    }

    fn answer(&self, writes: Vec<PendingWrite>) {
        writes.into_iter().for_each(|pending| pending.write.answer(Ok(()), &self.context));
    }

    /// Answers writes that failed. Returns those that are retried instead: deferred ones, while that may help, and
    /// writes that release what a commit of unknown outcome may have claimed.
    fn fail(&self, writes: Vec<PendingWrite>, fault: Fault) -> Vec<PendingWrite> {
        let now = Instant::now();
        let (is_unknown, is_temporary) = (matches!(fault, Fault::Unknown(_)), fault.is_temporary());
        let is_of_the_server = fault.is_lost() || matches!(fault, Fault::Passing(_));
        let error = fault.into_error();
        if is_of_the_server {
            self.context.write_health.record(self.context.clock.steady(), Err(error.clone()));
        }
        let mut retries = Vec::new();
        for mut pending in writes {
            let retry_until = *pending.retry_until.get_or_insert(now + RETRY_TIMEOUT);
            if pending.is_deferred && is_temporary && retry_until > now {
                retries.push(pending);
                continue;
            }
            if is_unknown {
                retries.extend(self.releases(&pending, now + RETRY_TIMEOUT));
            }
            pending.write.answer(Err(error.clone()), &self.context);
        }
        retries
    }

    /// Writes that release what a commit of unknown outcome may have claimed.
    fn releases(&self, pending: &PendingWrite, retry_until: Instant) -> impl Iterator<Item = PendingWrite> {
        let releases = pending.write.release_claims(self.context.clock.steady());
        releases.map(move |write| PendingWrite {
            write,
            is_deferred: true,
            retry_until: Some(retry_until),
            locked_until: None,
        })
    }

    /// Executes and commits, again where the module's comment says so.
    async fn commit(&self, writes: &mut [PendingWrite], max_attempts: u32) -> Result<()> {
        let mut was_lost = false;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let session = self.client.session().await?;
            let committed = timeout(COMMIT_TIMEOUT, self.try_commit(&session, writes)).await;
            match committed.unwrap_or_else(|_| Err(Fault::timed_out())) {
                Err(fault) if fault.is_lost() => {
                    self.client.discard(&session).await;
                    if was_lost || matches!(fault, Fault::Unknown(_)) {
                        return Err(fault);
                    }
                    was_lost = true;
                }
                Err(Fault::Contention(error)) if attempts < max_attempts => {
                    tracing::debug!(%error, attempts, "another process was in the way; tried again");
                    sleep(self.jitter.between(Duration::ZERO, CONTENTION_BACKOFF.pause_after(attempts))).await;
                }
                committed => return committed,
            }
        }
    }

    /// Executes the groups in one transaction, whose `BEGIN` is sent together with the first statements: that saves a round
    /// trip. A batch of acknowledgements alone needs no transaction.
    async fn try_commit(&self, session: &Session, writes: &mut [PendingWrite]) -> Result<()> {
        let offset = session.clock_offset(&self.context.clock).await?;
        let batch = BatchContext { session, offset, context: &self.context };
        let are_acknowledgements = writes.iter().all(|pending| matches!(pending.write, AnyWrite::Acknowledge(_)));
        let mut groups = conflict_free_groups(writes).into_iter();
        if are_acknowledgements && groups.len() == 1 {
            return execute(groups.next().unwrap_or_default(), batch).await;
        }
        let (begun, mut executed) = join(session.begin(), execute(groups.next().unwrap_or_default(), batch)).await;
        begun?;
        for group in groups {
            if executed.is_err() {
                break;
            }
            executed = execute(group, batch).await;
        }
        if let Err(fault) = executed {
            if !fault.is_lost() {
                session.run("ROLLBACK").await?;
            }
            return Err(fault);
        }
        session.commit().await
    }
}
