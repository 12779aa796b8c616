//! Corrections by reconciliation: the only way in which a refunded amount becomes less.

use crate::models::{RefundLedger, Status, Transaction};

impl Transaction {
    /// Raises the refunded amount to the sum of the recorded refunds, so that none of them counts as a new one.
    pub(crate) fn recount(&mut self, refunds: &RefundLedger) {
        self.refunded_amount = self.refunded_amount.max(refunds.total());
    }

    /// Lowers the refunded amount to what the report says, unless the payment has changed since the report was requested. It
    /// never falls below the sum of the recorded refunds: these are the provider's word, too, and a person has to find out
    /// which of both is wrong.
    pub(crate) fn correct(&mut self, before: &Self, report: &Self, refunds: &RefundLedger) {
        let is_paid = self.status == Status::Completed && report.status == Status::Completed;
        let is_current = before.updated_at <= report.updated_at;
        let refunded_amount = report.refunded_amount.max(refunds.total());
        if is_paid && is_current && refunded_amount < self.refunded_amount {
            self.refunded_amount = refunded_amount;
            self.updated_at = report.updated_at;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::models::Amount;

    #[test]
    fn only_a_newer_report_lowers_the_refunded_amount() {
        let paid = |cents| {
            let built = Transaction::builder(Status::Completed, Amount::from_cents(2500));
            built.refunded_amount(Amount::from_cents(cents)).build()
        };
        let (known, report) = (paid(900), paid(500));
        let at = |transaction: &Transaction, seconds| {
            let updated_at = report.updated_at + SignedDuration::from_secs(seconds);
            Transaction { updated_at, ..transaction.clone() }
        };
        for (age, cents) in [(-1, 500), (0, 500), (1, 900)] {
            let before = at(&known, age);
            let mut corrected = before.clone();
            corrected.correct(&before, &report, &RefundLedger::default());
            assert_eq!(corrected.refunded_amount.cents(), cents, "{age}");
        }
    }
}
