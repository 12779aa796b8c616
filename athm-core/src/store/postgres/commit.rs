//! A batch is committed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, sleep, timeout};

use super::conflict_free_groups::conflict_free_groups;
use super::fault::{Fault, Result};
use super::job::{BatchContext, WriteResult, execute};
use super::queue::PendingWrite;
use super::session::{ReconnectingClient, Session};
use crate::store::StoreContext;
use crate::util::backoff::{Backoff, Jitter};

/// How long one that can't be refused waits for a lost connection to come back.
const ABSENCE: Duration = Duration::from_secs(10);
/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a batch is tried that other processes get in the way of, before its writes are tried one by one.
const TRIES: u32 = 6;
/// How often one of them is tried then.
const TRIES_ALONE: u32 = 2;

/// The longest pauses between tries: 4 ms, 8 ms, 16 ms …
const CONTENTION_BACKOFF: Backoff = Backoff::new(Duration::from_millis(4), 2, Duration::from_secs(1));

/// Commits on one connection.
pub(super) struct Committer {
    pub(super) link: ReconnectingClient,
    pub(super) context: Arc<StoreContext>,
    pub(super) jitter: Jitter,
}

impl Committer {
    /// All of them in one commit, or one by one when one of them can't be written: as many as there is time for. Returns
    /// what waits for a better moment.
    pub(super) async fn write(&self, mut writes: Vec<PendingWrite>) -> Vec<PendingWrite> {
        if writes.is_empty() {
            return writes;
        }
        let until = Instant::now() + PATIENCE;
        let fault = match self.commit(&mut writes, TRIES).await {
            Ok(()) => return self.answer(writes, &Ok(())),
            Err(fault) if fault.is_lost() || writes.len() == 1 => return self.put_off(writes, fault),
            Err(fault) => fault,
        };
        let mut left = Vec::new();
        for write in writes {
            let mut alone = vec![write];
            let done =
                if Instant::now() < until { self.commit(&mut alone, TRIES_ALONE).await } else { Err(fault.clone()) };
            left.extend(match done {
                Ok(()) => self.answer(alone, &Ok(())),
                Err(fault) => self.put_off(alone, fault),
            });
        }
        left
    }

    fn answer(&self, writes: Vec<PendingWrite>, committed: &WriteResult<()>) -> Vec<PendingWrite> {
        writes.into_iter().for_each(|write| write.job.answer(committed.clone(), &self.context));
        Vec::new()
    }

    /// Whoever waits is told at once; what can't be refused is tried again for a while, if that may help.
    fn put_off(&self, writes: Vec<PendingWrite>, fault: Fault) -> Vec<PendingWrite> {
        let now = Instant::now();
        let (is_unknown, may_pass) = (matches!(fault, Fault::Unknown(_)), fault.may_pass());
        let error = fault.into_error();
        let mut left = Vec::new();
        for mut write in writes {
            let until = *write.until.get_or_insert(now + ABSENCE);
            if write.is_lazy && may_pass && until > now {
                left.push(write);
                continue;
            }
            if is_unknown {
                let given_back = write.job.given_back(self.context.clock.steady());
                left.extend(given_back.map(|job| PendingWrite { job, is_lazy: true, until: Some(now + ABSENCE) }));
            }
            write.job.answer(Err(error.clone()), &self.context);
        }
        left
    }

    /// Tries again when other processes were in the way, and once more when the connection was lost before the
    /// server was to commit.
    async fn commit(&self, writes: &mut [PendingWrite], most: u32) -> Result<()> {
        let mut has_lost = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let session = self.link.session().await?;
            let done =
                timeout(PATIENCE, self.try_to_commit(&session, writes)).await.unwrap_or_else(|_| Err(Fault::slow()));
            match done {
                Err(fault) if fault.is_lost() => {
                    self.link.forget(&session).await;
                    if has_lost || matches!(fault, Fault::Unknown(_)) {
                        return Err(fault);
                    }
                    has_lost = true;
                }
                Err(Fault::Contention(error)) if tries < most => {
                    tracing::debug!(%error, tries, "another process was in the way; tried again");
                    sleep(self.jitter.between(Duration::ZERO, CONTENTION_BACKOFF.pause_after(tries))).await;
                }
                done => return done,
            }
        }
    }

    /// What is begun is sent with the first statements; nobody waits for it alone.
    async fn try_to_commit(&self, session: &Session, writes: &mut [PendingWrite]) -> Result<()> {
        let times = session.times(&self.context.clock).await?;
        let batch = BatchContext { session, times, context: &self.context };
        let mut conflict_free_groups = conflict_free_groups(writes).into_iter();
        let (begun, first) =
            join(session.begin(), execute(conflict_free_groups.next().unwrap_or_default(), batch)).await;
        begun?;
        let mut executed = first;
        for wave in conflict_free_groups {
            if executed.is_err() {
                break;
            }
            executed = execute(wave, batch).await;
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
