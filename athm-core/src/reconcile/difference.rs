//! Differences between the recorded payments and the provider's report.

use std::fmt;

use jiff::Timestamp;

use crate::models::{Amount, ReferenceNumber, Status, Transaction, TransactionId, TransactionKind};

/// A payment in the report that wasn't recorded.
///
/// ```
/// use athm_core::reconcile::ReconcileSummary;
///
/// fn print(done: &ReconcileSummary) {
///     for missing in &done.missing {
///         println!("{} of {} was missing", missing.reference_number, missing.total);
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MissingPayment {
    /// The reference number of the payment.
    pub reference_number: ReferenceNumber,
    /// The kind of payment.
    pub kind: TransactionKind,
    /// What the customer paid.
    pub total: Amount,
    /// athm's own id of it, now that it is recorded; `None` in a dry run.
    pub recorded: Option<TransactionId>,
}

/// A refund of the report that couldn't be attributed to a payment.
///
/// ```
/// use athm_core::reconcile::ReconcileSummary;
///
/// fn print(found: &ReconcileSummary) {
///     for refund in &found.unattributed {
///         println!("{} was refunded, of an unknown payment", refund.amount);
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnattributedRefund {
    /// Its reference number, where the report has one.
    pub reference_number: Option<ReferenceNumber>,
    /// What was refunded.
    pub amount: Amount,
    /// When, by the provider's clock.
    pub date: Option<Timestamp>,
}

/// A field of a payment in which the record differs from the report.
///
/// ```
/// use athm_core::reconcile::ReconcileSummary;
///
/// fn print(done: &ReconcileSummary) {
///     for difference in &done.differences {
///         println!("{}: {}", difference.reference_number, difference.field);
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// athm's own id of the payment.
    pub transaction_id: TransactionId,
    /// The reference number of the payment.
    pub reference_number: ReferenceNumber,
    /// What differs.
    pub field: DifferingField,
}

/// What differs: ours first, then the provider's.
///
/// ```
/// use athm_core::reconcile::{Difference, DifferingField};
///
/// fn is_about_money(difference: &Difference) -> bool {
///     !matches!(difference.field, DifferingField::Status(..))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferingField {
    /// The state that it is in.
    Status(Status, Status),
    /// What the customer paid.
    Total(Amount, Amount),
    /// What the provider keeps.
    Fee(Amount, Amount),
    /// What the merchant receives.
    NetAmount(Amount, Amount),
    /// How much was refunded.
    RefundedAmount(Amount, Amount),
}

impl fmt::Display for DifferingField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, ours, theirs): (_, &dyn fmt::Display, &dyn fmt::Display) = match self {
            Self::Status(ours, theirs) => ("status", ours, theirs),
            Self::Total(ours, theirs) => ("total", ours, theirs),
            Self::Fee(ours, theirs) => ("fee", ours, theirs),
            Self::NetAmount(ours, theirs) => ("net amount", ours, theirs),
            Self::RefundedAmount(ours, theirs) => ("refunded amount", ours, theirs),
        };
        write!(f, "{name}: {ours} here, {theirs} at the provider")
    }
}

/// Where a payment differs from an entry of the report. Subtotal and tax aren't compared: the provider's own endpoints
/// disagree on them.
pub(super) fn between(ours: &Transaction, theirs: &Transaction) -> Vec<Difference> {
    let Some(reference_number) = theirs.reference_number.clone() else { return Vec::new() };
    let differing =
        |differs: fn(Amount, Amount) -> DifferingField, ours, theirs| (ours != theirs).then(|| differs(ours, theirs));
    let all = [
        (ours.status != theirs.status).then(|| DifferingField::Status(ours.status.clone(), theirs.status.clone())),
        differing(DifferingField::Total, ours.total, theirs.total),
        differing(DifferingField::Fee, ours.fee, theirs.fee),
        differing(DifferingField::NetAmount, ours.net_amount, theirs.net_amount),
        differing(DifferingField::RefundedAmount, ours.refunded_amount, theirs.refunded_amount),
    ];
    let transaction_id = ours.id;
    all.into_iter()
        .flatten()
        .map(|field| Difference { transaction_id, reference_number: reference_number.clone(), field })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_shown_with_both_values() {
        let built = |status, fee| {
            let paid = Transaction::builder(status, Amount::from_cents(2500)).fee(Amount::from_cents(fee));
            paid.tax(Amount::from_cents(fee)).reference_number("218855-0d3b".parse().unwrap()).build()
        };
        let (ours, theirs) = (built(Status::Cancelled, 0), built(Status::Completed, 56));
        let shown: Vec<_> = between(&ours, &theirs).iter().map(|difference| difference.field.to_string()).collect();
        assert_eq!(
            shown,
            ["status: cancelled here, completed at the provider", "fee: 0.00 here, 0.56 at the provider"]
        );
        assert_eq!(between(&theirs, &theirs), []);
    }
}
