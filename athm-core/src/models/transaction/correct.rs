//! A row is corrected by the provider's books: the one way in which an amount that was given back becomes less.

use crate::models::{RefundLedger, Status, Transaction};

impl Transaction {
    /// Single refunds that are kept count, whatever the row says of their sum: so that none is taken for a new one.
    pub(crate) fn recount(&mut self, refunds: &RefundLedger) {
        self.refunded_amount = self.refunded_amount.max(refunds.total());
    }

    /// What was given back is what the books say, unless something was heard of the payment after they were asked. Single
    /// refunds that are kept are the provider's own word, too: it takes a person to say which of both is wrong.
    pub(crate) fn correct(&mut self, before: &Self, books: &Self, refunds: &RefundLedger) {
        let is_paid = self.status == Status::Completed && books.status == Status::Completed;
        let is_current = before.updated_at <= books.updated_at;
        let refunded_amount = books.refunded_amount.max(refunds.total());
        if is_paid && is_current && refunded_amount < self.refunded_amount {
            self.refunded_amount = refunded_amount;
            self.updated_at = books.updated_at;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::models::Amount;

    #[test]
    fn what_was_given_back_becomes_less_by_the_books_alone_and_only_if_they_are_newer() {
        let paid = |cents| {
            let built = Transaction::builder(Status::Completed, Amount::from_cents(2500));
            built.refunded_amount(Amount::from_cents(cents)).build()
        };
        let (known, books) = (paid(900), paid(500));
        let at = |transaction: &Transaction, seconds| {
            let updated_at = books.updated_at + SignedDuration::from_secs(seconds);
            Transaction { updated_at, ..transaction.clone() }
        };
        for (age, cents) in [(-1, 500), (0, 500), (1, 900)] {
            let before = at(&known, age);
            let mut corrected = before.clone();
            corrected.correct(&before, &books, &RefundLedger::default());
            assert_eq!(corrected.refunded_amount.cents(), cents, "{age}");
        }
    }
}
