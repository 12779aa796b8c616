//! Alerts: what a person must look at, reported once.
//!
//! Nothing writes an alert where a problem arises, so that no payment and no delivery costs more. A task lists the problems
//! ([`problem`](super::problem)) that have no row in `athm_alert` yet, inserts these rows, and claims them like those of any
//! queue: a lease, another attempt after a failure. The row stays, so that a problem is reported once, by one process. A
//! replay deletes that of its delivery: if it is dead again, that is reported again.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use uuid::Uuid;

use super::{DamagedRow, ProblemKind};
use crate::models::TransactionId;

/// Something that a person must look at, as [`on_alert`](crate::AthmBuilder::on_alert) reports it.
///
/// ```
/// use athm_core::problems::{Alert, ProblemKind};
///
/// fn subject(alert: &Alert) -> String {
///     match alert.kind {
///         ProblemKind::DeadDelivery => format!("delivery {} failed for good: {}", alert.id, alert.detail),
///         _ => alert.to_string(),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alert {
    /// What sort of problem it is.
    pub kind: ProblemKind,
    /// Of what: the id of the payment, event, refund, message, delivery or row, as [`kind`](Self::kind) says.
    pub id: Uuid,
    /// The payment, where one is known.
    pub transaction_id: Option<TransactionId>,
    /// What is wrong, in words for a person; empty when the kind says it all.
    pub detail: String,
    /// When the payment, event, refund, message or delivery was recorded, or the row found damaged.
    pub created_at: Timestamp,
    /// Which attempt to report it this is, from 1.
    pub attempt: u32,
    /// The table of a damaged row: rows of several may have one id.
    pub(crate) place: String,
}

/// `dead_delivery 0195…: it panicked`.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

/// A claim of alerts, after those of new problems are inserted.
#[derive(Debug)]
pub(crate) struct AlertClaim {
    pub(crate) now: Timestamp,
    pub(crate) lease_until: Timestamp,
    /// Refunds without a known outcome count from then on.
    pub(crate) refunds_before: Timestamp,
    /// The rows that this process couldn't read.
    pub(crate) damaged: Vec<DamagedRow>,
}

/// How an attempt to report an alert ended.
#[derive(Debug)]
pub(crate) struct AlertOutcome {
    pub(crate) kind: ProblemKind,
    pub(crate) id: Uuid,
    pub(crate) place: String,
    pub(crate) result: Reported,
}

/// Whether it was reported, or when it is tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reported {
    At(Timestamp),
    RetryAt(Timestamp),
}

/// How many problems become alerts at once, and how many alerts are claimed at once.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) const MAX_ALERTS: u32 = 64;

/// The id of a damaged row: its own, or one made of what it has in its place.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn id_of(row: &DamagedRow) -> Uuid {
    row.id.parse().unwrap_or_else(|_| {
        let mut hasher = DefaultHasher::new();
        row.id.hash(&mut hasher);
        Uuid::from_u128(hasher.finish().into())
    })
}
