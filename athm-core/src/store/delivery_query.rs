//! Lists of deliveries, a page at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::page;
use crate::models::{DeliveryId, Signal, TransactionId};
use crate::outbox::{DeliveryRecord, DeliveryState};

/// Which deliveries to list, count or replay; lists have the newest first.
///
/// ```no_run
/// # async fn list(athm: athm_core::Athm) -> Result<(), athm_core::errors::StoreError> {
/// use athm_core::deliveries::{DeliveryQuery, DeliveryState};
///
/// let mut query = DeliveryQuery::new().state(DeliveryState::Dead).receiver("shop::send_receipt");
/// loop {
///     let page = athm.deliveries().list(query.clone()).await?;
///     for delivery in page.deliveries() {
///         println!("{}: {}", delivery.created_at, delivery.error.as_deref().unwrap_or_default());
///     }
///     let Some(next) = page.next() else { break };
///     query = query.after(next);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a query lists nothing by itself"]
pub struct DeliveryQuery {
    pub(crate) state: Option<DeliveryState>,
    pub(super) receiver: Option<String>,
    pub(super) signal: Option<Signal>,
    pub(super) transaction: Option<TransactionId>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) limit: Option<u32>,
    pub(super) after: Option<DeliveryId>,
}

impl DeliveryQuery {
    pub(crate) const MAX_LIMIT: u32 = 1000;
    const DEFAULT_LIMIT: u32 = 50;

    /// All deliveries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only deliveries in this state.
    pub fn state(mut self, state: DeliveryState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only deliveries to the receiver with this id.
    pub fn receiver(mut self, id: impl Into<String>) -> Self {
        self.receiver = Some(id.into());
        self
    }

    /// Only deliveries of this signal.
    pub fn signal(mut self, signal: Signal) -> Self {
        self.signal = Some(signal);
        self
    }

    /// Only deliveries about this payment.
    pub fn transaction(mut self, id: TransactionId) -> Self {
        self.transaction = Some(id);
        self
    }

    /// Only deliveries that were recorded at this time or later.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only deliveries that were recorded before this time.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// The size of a page: 1 to 1000 deliveries, 50 unless given.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit.clamp(1, Self::MAX_LIMIT));
        self
    }

    /// The page that follows another, from its [`next`](DeliveryPage::next).
    pub fn after(mut self, last: DeliveryId) -> Self {
        self.after = Some(last);
        self
    }

    pub(super) fn page_size(&self) -> u32 {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT)
    }

    /// Ids grow with time, so that the pages follow each other by them.
    pub(super) fn before(&self) -> Uuid {
        self.after.map_or(Uuid::max(), |last| *last.as_uuid())
    }

    /// The condition that an index serves best; every other one filters what it finds.
    pub(super) fn access(&self) -> DeliveryAccess {
        match (self.transaction, self.state) {
            (Some(_), _) => DeliveryAccess::Transaction,
            (None, Some(DeliveryState::Dead)) => DeliveryAccess::Dead,
            (None, Some(DeliveryState::Dismissed)) => DeliveryAccess::Dismissed,
            (None, Some(DeliveryState::Due | DeliveryState::Running)) => DeliveryAccess::Unfinished,
            (None, Some(DeliveryState::Succeeded) | None) => DeliveryAccess::All,
        }
    }
}

/// How deliveries are found: those of a payment, those of a state that has an index of its own, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeliveryAccess {
    Transaction,
    Dead,
    Dismissed,
    Unfinished,
    All,
}

/// `SELECT` with the conditions of a [`DeliveryQuery`] for each [`DeliveryAccess`]. Values are the state, receiver, signal,
/// transaction, first and last time and the id before which to begin; those that aren't asked for are null. `$select` is the
/// macro that begins the statement, `$rest` follows.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! matching_deliveries {
    ($access:expr, $select:ident, $rest:literal) => {
        match $access {
            $crate::store::delivery_query::DeliveryAccess::Transaction => {
                matching_deliveries!(@sql $select, "e.transaction_id = $4", $rest)
            }
            $crate::store::delivery_query::DeliveryAccess::Dead => {
                matching_deliveries!(@sql $select, "d.state = 'dead' AND e.transaction_id = coalesce($4, e.transaction_id)", $rest)
            }
            $crate::store::delivery_query::DeliveryAccess::Dismissed => {
                matching_deliveries!(@sql $select, "d.state = 'dismissed' AND e.transaction_id = coalesce($4, e.transaction_id)", $rest)
            }
            $crate::store::delivery_query::DeliveryAccess::Unfinished => matching_deliveries!(
                @sql $select,
                "d.state IN ('due', 'running') AND e.transaction_id = coalesce($4, e.transaction_id)",
                $rest
            ),
            $crate::store::delivery_query::DeliveryAccess::All => {
                matching_deliveries!(@sql $select, "e.transaction_id = coalesce($4, e.transaction_id)", $rest)
            }
        }
    };
    (@sql $select:ident, $found:literal, $rest:literal) => {
        $select!(concat!(
            "WHERE d.state = coalesce($1, d.state) AND d.receiver = coalesce($2, d.receiver) ",
            "AND d.signal = coalesce($3, d.signal) AND ",
            $found,
            " AND d.created_at >= $5 AND d.created_at < $6 AND d.id < $7 ",
            $rest
        ))
    };
}
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) use matching_deliveries;

/// How many deliveries there are in each state that there is.
pub type DeliveryCounts = BTreeMap<DeliveryState, u64>;

/// Some deliveries, newest first, and where the next ones begin.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::deliveries::DeliveryQuery;
/// use athm_core::errors::StoreError;
/// use athm_core::ids::TransactionId;
///
/// async fn receivers_of(athm: &Athm, payment: TransactionId) -> Result<Vec<String>, StoreError> {
///     let page = athm.deliveries().list(DeliveryQuery::new().transaction(payment)).await?;
///     Ok(page.deliveries().iter().map(|delivery| format!("{}: {}", delivery.receiver, delivery.state)).collect())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    deliveries: Vec<DeliveryRecord>,
    next: Option<DeliveryId>,
}

impl DeliveryPage {
    /// The first `size` deliveries of those that were read. `damaged` are those that couldn't be.
    pub(super) fn of(mut deliveries: Vec<DeliveryRecord>, damaged: usize, size: u32) -> Self {
        let next = page::cut(&mut deliveries, damaged, size).map(|last| last.id);
        Self { deliveries, next }
    }

    /// The deliveries.
    #[must_use]
    pub fn deliveries(&self) -> &[DeliveryRecord] {
        &self.deliveries
    }

    /// Where the next page begins; `None` on the last one.
    #[must_use]
    pub fn next(&self) -> Option<DeliveryId> {
        self.next
    }
}
