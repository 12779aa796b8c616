//! What a person must look at: one list over the tables that know of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::models::TransactionId;

/// Something that a person must look at: [`Athm::problems`](crate::Athm::problems).
///
/// ```
/// use athm_core::problems::Problem;
///
/// fn line(problem: &Problem) -> String {
///     format!("{} of {}: {}", problem.kind, problem.created_at, problem.detail)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What sort of problem it is.
    pub kind: ProblemKind,
    /// Of what: the id of the payment, event, refund, message, delivery or row, as [`kind`](Self::kind) says.
    pub id: Uuid,
    /// The payment, where one is known.
    pub transaction_id: Option<TransactionId>,
    /// What is wrong, in words for a person; empty when the kind says it all.
    pub detail: String,
    /// When the payment, event, refund, message or delivery was recorded, or the damaged row was found.
    pub created_at: Timestamp,
}

/// What sort of problem it is.
///
/// ```
/// use athm_core::problems::ProblemKind;
///
/// fn needs_a_refund_desk(kind: ProblemKind) -> bool {
///     matches!(kind, ProblemKind::UnresolvedRefund | ProblemKind::UnattributedRefund)
/// }
/// assert!(!needs_a_refund_desk(ProblemKind::Mismatch));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A payment whose total isn't the one that it was opened with: [`accept`](crate::Athm::accept_mismatch) it, or refund
    /// it. The id is the payment's.
    Mismatch,
    /// A payment with an impossible total, or with the reference number of another one. The id is the payment's.
    OddPayment,
    /// An event that a check refused: the transition happened, and no receiver ran. The id is the event's; see
    /// [`replay_event`](crate::deliveries::Deliveries::replay_event).
    RefusedCheck,
    /// A refund of ours without a known outcome for a day: [resolve](crate::refunds::Refunds::resolve) it. The id is the
    /// refund's.
    UnresolvedRefund,
    /// A refund that the provider lists and that belongs to no payment we know, or to one of several. The id is the
    /// message's.
    UnattributedRefund,
    /// A payment of a checkout that another payment paid already: [refund](crate::Athm::refund) one of the two. The id is
    /// the payment's. It is listed until one of them is refunded wholly.
    SurplusPayment,
    /// A delivery whose attempts are used up: [replay](crate::deliveries::Deliveries::replay) it, or
    /// [dismiss](crate::deliveries::Deliveries::dismiss) it. The id is the delivery's.
    DeadDelivery,
    /// A row that can't be read, among those that this process has met: see
    /// [`damaged_rows`](crate::Athm::damaged_rows). The id is the row's.
    DamagedRow,
}

impl ProblemKind {
    const ALL: [Self; 8] = [
        Self::Mismatch,
        Self::OddPayment,
        Self::RefusedCheck,
        Self::UnresolvedRefund,
        Self::UnattributedRefund,
        Self::SurplusPayment,
        Self::DeadDelivery,
        Self::DamagedRow,
    ];
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mismatch => "mismatch",
            Self::OddPayment => "odd_payment",
            Self::RefusedCheck => "refused_check",
            Self::UnresolvedRefund => "unresolved_refund",
            Self::UnattributedRefund => "unattributed_refund",
            Self::SurplusPayment => "surplus_payment",
            Self::DeadDelivery => "dead_delivery",
            Self::DamagedRow => "damaged_row",
        })
    }
}

impl FromStr for ProblemKind {
    type Err = UnknownProblemKind;

    fn from_str(text: &str) -> Result<Self, UnknownProblemKind> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.to_string() == text).ok_or_else(|| UnknownProblemKind(text.to_owned()))
    }
}

/// Not the name of a sort of problem.
///
/// ```
/// use athm_core::problems::ProblemKind;
///
/// let error = "lost".parse::<ProblemKind>().unwrap_err();
/// assert_eq!(error.to_string(), "expected a sort of problem, found \"lost\"");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("expected a sort of problem, found {0:?}")]
pub struct UnknownProblemKind(String);

/// How many problems there are of each sort that there is.
pub type ProblemCounts = BTreeMap<ProblemKind, u64>;

/// Which problems to list, oldest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProblemQuery {
    /// Refunds without a known outcome count from then on.
    pub(crate) refunds_before: Timestamp,
    pub(crate) after: Option<(Timestamp, Uuid)>,
    pub(crate) limit: u32,
}

impl ProblemQuery {
    /// Nothing was recorded before 1970.
    pub(super) fn after(&self) -> (Timestamp, Uuid) {
        self.after.unwrap_or((Timestamp::UNIX_EPOCH, Uuid::nil()))
    }
}

/// All problems, as `problem`; `$1` is [`ProblemQuery::refunds_before`].
///
/// Alerts search it every few seconds, so that it must read only rows that may be problems: each part follows an index with
/// few others in it. SQLite joins the tables of a `CROSS JOIN` as they are written: first the repeated payments of checkouts,
/// which are few, then their rows of `athm_transaction`. Left to choose, it reads every completed payment.
macro_rules! problems {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " FROM (SELECT 'mismatch' AS kind, t.id AS id, t.id AS transaction_id, 'opened with ' || t.expected_total || ",
            "' cents, the provider says ' || t.total AS detail, t.created_at AS created_at FROM athm_transaction t ",
            "WHERE t.expected_total <> t.total AND (t.accepted_total IS NULL OR t.accepted_total <> t.total) ",
            "AND t.status NOT IN ('cancelled', 'expired') ",
            "UNION ALL SELECT 'odd_payment', t.id, t.id, t.problem, t.created_at FROM athm_transaction t ",
            "WHERE t.problem IS NOT NULL ",
            "UNION ALL SELECT 'refused_check', e.id, e.transaction_id, e.rejection, e.created_at FROM athm_event e ",
            "WHERE e.rejection IS NOT NULL ",
            "UNION ALL SELECT 'unresolved_refund', r.id, r.transaction_id, NULL, r.created_at FROM athm_refund r ",
            "WHERE r.state = 'pending' AND r.created_at <= $1 ",
            "UNION ALL SELECT 'unattributed_refund', i.id, NULL, i.reason, i.received_at FROM athm_inbox i ",
            "WHERE i.state = 'unmatched' AND i.refunds IS NOT NULL ",
            "UNION ALL SELECT 'surplus_payment', t.id, t.id, 'another payment has paid its checkout', t.created_at ",
            "FROM athm_checkout_payment p CROSS JOIN athm_transaction t WHERE t.ecommerce_id = p.ecommerce_id ",
            "AND p.number > 1 AND t.status = 'completed' AND t.refunded_amount < t.total AND EXISTS (SELECT 1 ",
            "FROM athm_checkout_payment o JOIN athm_transaction u ON u.ecommerce_id = o.ecommerce_id WHERE ",
            "o.checkout_id = p.checkout_id AND o.number < p.number AND u.status = 'completed' ",
            "AND u.refunded_amount < u.total) ",
            "UNION ALL SELECT 'dead_delivery', d.id, e.transaction_id, d.error, d.created_at FROM athm_delivery d ",
            "JOIN athm_event e ON e.id = d.event_id WHERE d.state = 'dead') AS problem ",
            $rest
        )
    };
}

pub(super) const LIST: &str = problems!(
    "SELECT kind, id, transaction_id, detail, created_at",
    "WHERE (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4"
);

/// Whether a problem has no alert, or an alert is due at `$2`.
pub(super) const HAS_NEW_ALERTS: &str = problems!(
    "SELECT EXISTS (SELECT 1",
    "WHERE NOT EXISTS (SELECT 1 FROM athm_alert a WHERE a.kind = problem.kind AND a.id = problem.id)) \
     OR EXISTS (SELECT 1 FROM athm_alert WHERE reported_at IS NULL AND due_at <= $2)"
);

/// Inserts the alerts of problems that have none, due at `$2`: at most `$3`. `coalesce` gives the value its type.
pub(super) const INSERT_ALERTS: &str = problems!(
    "INSERT INTO athm_alert (kind, id, place, transaction_id, detail, created_at, attempts, due_at) \
     SELECT kind, id, '', transaction_id, detail, created_at, 0, coalesce($2, created_at)",
    "WHERE NOT EXISTS (SELECT 1 FROM athm_alert a WHERE a.kind = problem.kind AND a.id = problem.id) \
     ORDER BY created_at, id LIMIT $3 ON CONFLICT DO NOTHING"
);

pub(super) const COUNT: &str = problems!("SELECT kind, count(*)", "GROUP BY kind");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_back_from_its_name() {
        for kind in ProblemKind::ALL {
            assert_eq!(kind.to_string().parse::<ProblemKind>().unwrap(), kind);
            // A damaged row can't be read, so that no query lists it.
            assert_eq!(LIST.contains(&format!("'{kind}'")), kind != ProblemKind::DamagedRow, "{kind}");
        }
        assert!("lost".parse::<ProblemKind>().is_err());
    }
}
