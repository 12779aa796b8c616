//! Replaying many deliveries.

use std::fmt;

use futures_util::{StreamExt, stream};

use super::Athm;
use crate::models::DeliveryId;
use crate::outbox::DeliveryState;
use crate::store::{DeliveryQuery, ReplayError, RunMode, StoreError};

/// How many deliveries are replayed at once: they share commits.
const CONCURRENT: usize = 16;

/// Deliveries that are to run again. Nothing happens before [`run`](ReplayAll::run); [`dry_run`](ReplayAll::dry_run) tells
/// what would.
///
/// ```no_run
/// # async fn again(athm: athm_core::Athm) -> Result<(), athm_core::errors::StoreError> {
/// use athm_core::deliveries::DeliveryQuery;
///
/// let receipts = DeliveryQuery::new().receiver("shop::send_receipt"); // the dead ones
/// let planned = athm.deliveries().replay_all(receipts.clone()).dry_run().await?;
/// println!("{} would run, {} can't", planned.replayed, planned.refused.len());
/// let replay = athm.deliveries().replay_all(receipts).on_progress(|progress| println!("{progress}"));
/// println!("{} run", replay.run().await?.replayed);
/// # Ok(()) }
/// ```
#[must_use = "a replay does nothing until `run`"]
pub struct ReplayAll<'a> {
    athm: &'a Athm,
    query: DeliveryQuery,
    is_forced: bool,
    on_progress: Option<Box<dyn FnMut(ReplayProgress) + Send + 'a>>,
}

/// How far a replay of many has come.
///
/// ```
/// use athm_core::deliveries::ReplayProgress;
///
/// fn percent(progress: ReplayProgress) -> usize {
///     progress.done * 100 / progress.total.max(1)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayProgress {
    /// How many deliveries were replayed or refused so far.
    pub done: usize,
    /// How many there are in all.
    pub total: usize,
}

impl fmt::Display for ReplayProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.done, self.total)
    }
}

/// What a replay of many did, or would do.
///
/// ```
/// use athm_core::deliveries::ReplayedAll;
///
/// fn print(replayed: &ReplayedAll) {
///     println!("{} run", replayed.replayed);
///     replayed.refused.iter().for_each(|(id, error)| println!("{id}: {error}"));
/// }
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ReplayedAll {
    /// How many run again.
    pub replayed: usize,
    /// Those that don't, and why.
    pub refused: Vec<(DeliveryId, ReplayError)>,
}

impl<'a> ReplayAll<'a> {
    /// Of the dead ones, unless the query asks for another state.
    pub(super) fn new(athm: &'a Athm, mut query: DeliveryQuery) -> Self {
        query.state.get_or_insert(DeliveryState::Dead);
        Self { athm, query, is_forced: false, on_progress: None }
    }

    /// Runs also those that have succeeded.
    pub fn force(mut self) -> Self {
        self.is_forced = true;
        self
    }

    /// Calls this after each delivery.
    pub fn on_progress(mut self, on_progress: impl FnMut(ReplayProgress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(on_progress));
        self
    }

    /// Tells what would run, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn dry_run(self) -> Result<ReplayedAll, StoreError> {
        self.execute(RunMode::Dry).await
    }

    /// Makes them due now, the oldest first. What can't run again is refused alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database fails: those before are replayed.
    pub async fn run(self) -> Result<ReplayedAll, StoreError> {
        self.execute(RunMode::Real).await
    }

    async fn execute(mut self, mode: RunMode) -> Result<ReplayedAll, StoreError> {
        let ids = self.ids().await?;
        let (athm, is_forced, total) = (self.athm, self.is_forced, ids.len());
        let replays = ids.into_iter().map(|id| async move {
            let replay = athm.deliveries().replay(id);
            let replay = if is_forced { replay.force() } else { replay };
            (id, replay.execute(mode).await)
        });
        let (mut replays, mut result) = (stream::iter(replays).buffered(CONCURRENT), ReplayedAll::default());
        let mut done = 0;
        while let Some((id, replayed)) = replays.next().await {
            match replayed {
                Ok(replayed) => result.replayed += replayed.len(),
                Err(ReplayError::Store(error)) => return Err(error),
                Err(refused) => result.refused.push((id, refused)),
            }
            done += 1;
            if let Some(on_progress) = &mut self.on_progress {
                on_progress(ReplayProgress { done, total });
            }
        }
        Ok(result)
    }

    /// All that match, oldest first: read before the first one runs, so that none is found twice.
    async fn ids(&self) -> Result<Vec<DeliveryId>, StoreError> {
        let (mut query, mut ids) = (self.query.clone().limit(DeliveryQuery::MAX_LIMIT), Vec::new());
        loop {
            let page = self.athm.deliveries().list(query.clone()).await?;
            ids.extend(page.deliveries().iter().map(|delivery| delivery.id));
            let Some(next) = page.next() else { break };
            query = query.after(next);
        }
        ids.reverse();
        Ok(ids)
    }
}

impl fmt::Debug for ReplayAll<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayAll")
            .field("query", &self.query)
            .field("is_forced", &self.is_forced)
            .finish_non_exhaustive()
    }
}
