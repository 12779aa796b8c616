//! What messages state of a payment's refunds, until the provider shows it.
//!
//! A refund's message is settled by a refund that is recorded with its detail, or by an increase of the refunded amount
//! since the message arrived, and by nothing else: an older refund that is large enough proves nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::RefundDetail;
use crate::models::{Amount, RefundLedger, Transaction};

/// One refund that a message states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundStatement {
    /// The payment's refunded amount when the message arrived.
    pub(crate) before: Amount,
    pub(crate) detail: RefundDetail,
}

/// The refunds that the pending messages of a payment state. A line of text each, as the inbox stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RefundStatements(Vec<RefundStatement>);

impl RefundStatements {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As stated of that payment now. Its own reference number distinguishes none of its refunds.
    pub(crate) fn since(self, payment: &Transaction) -> Self {
        let each = self.0.into_iter().map(|RefundStatement { mut detail, .. }| {
            detail.reference_number.take_if(|reference| Some(&*reference) == payment.reference_number.as_ref());
            RefundStatement { before: payment.refunded_amount, detail }
        });
        each.collect()
    }

    /// Whether the provider shows them all: each by its detail, or those without one by an increase that holds them.
    ///
    /// 10.00 were refunded, then 3.00 and 4.00 are stated: 17.00 settles both, 14.00 neither.
    pub(crate) fn are_shown(&self, ledger: &RefundLedger, refunded: Amount, at: Timestamp) -> bool {
        let found = |statement: &RefundStatement| ledger.find_stated(&statement.detail, at);
        let missing: Vec<_> = self.0.iter().filter(|statement| found(statement).is_none()).collect();
        let Some(before) = missing.iter().map(|statement| statement.before).min() else { return true };
        // What is found and was refunded after that is part of the increase, too.
        let later: BTreeMap<_, _> = self.0.iter().filter_map(found).filter(|(total, _)| *total > before).collect();
        let amounts = missing.iter().map(|statement| statement.detail.amount).chain(later.into_values());
        let needed = amounts.fold(before, |sum, amount| sum.checked_add(amount).unwrap_or(sum));
        refunded >= needed
    }
}

impl FromIterator<RefundStatement> for RefundStatements {
    fn from_iter<I: IntoIterator<Item = RefundStatement>>(statements: I) -> Self {
        Self(statements.into_iter().collect())
    }
}

impl fmt::Display for RefundStatements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, RefundStatement { before, detail }) in self.0.iter().enumerate() {
            let RefundDetail { amount, reference_number, daily_transaction_id, date } = detail;
            let date = date.map(Timestamp::as_microsecond);
            let line = json!([before.cents(), amount.cents(), reference_number, daily_transaction_id, date]);
            write!(f, "{}{line}", if n == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl FromStr for RefundStatements {
    type Err = UnknownStatement;

    fn from_str(text: &str) -> Result<Self, UnknownStatement> {
        text.lines().map(|line| read(line).ok_or_else(|| UnknownStatement(line.to_owned()))).collect()
    }
}

fn read(line: &str) -> Option<RefundStatement> {
    let fields: Value = serde_json::from_str(line).ok()?;
    let cents = |n: usize| fields.get(n)?.as_i64().map(Amount::from_cents);
    let text = |n: usize| fields.get(n)?.as_str();
    let date = fields.get(4)?.as_i64().map(Timestamp::from_microsecond).transpose().ok()?;
    let reference_number = text(2).map(str::parse).transpose().ok()?;
    let daily_transaction_id = text(3).map(str::to_owned);
    let detail = RefundDetail { amount: cents(1)?, reference_number, daily_transaction_id, date };
    Some(RefundStatement { before: cents(0)?, detail })
}

/// A line that no athm has written.
#[derive(Debug, thiserror::Error)]
#[error("expected a stated refund, found {0:?}")]
pub(crate) struct UnknownStatement(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{FiredTransitions, ReportedRefund, Status};

    fn cents(cents: i64) -> Amount {
        Amount::from_cents(cents)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_730_000_000 + second).unwrap()
    }

    fn detail(n: i64, amount: i64) -> RefundDetail {
        let daily_transaction_id = Some(format!("{n:04}"));
        RefundDetail { daily_transaction_id, date: Some(at(100 * n)), ..RefundDetail::bare(cents(amount)) }
    }

    fn stated(before: i64, detail: RefundDetail) -> RefundStatement {
        RefundStatement { before: cents(before), detail }
    }

    /// The refunds of a payment that were seen at that second, in one sum, with these details.
    fn ledger(second: i64, refunded: i64, details: &[RefundDetail]) -> RefundLedger {
        let paid = |refunded| {
            let built = Transaction::builder(Status::Completed, cents(10_000)).refunded_amount(cents(refunded));
            Transaction { updated_at: at(second), ..built.build() }
        };
        let (mut transaction, mut ledger, _) = Transaction::first_seen(&paid(0), &[]);
        let reported = details.iter().cloned().map(|detail| ReportedRefund { refund: None, detail });
        let reported: Vec<_> = reported.collect();
        transaction.apply(&paid(refunded), &reported, &mut ledger, &mut FiredTransitions::default());
        ledger
    }

    #[test]
    fn an_older_refund_that_is_large_enough_settles_nothing() {
        let stated = RefundStatements::from_iter([stated(1000, detail(2, 300))]);
        for known in [ledger(100, 1000, &[]), ledger(100, 1000, &[detail(1, 1000)])] {
            assert!(!stated.are_shown(&known, cents(1000), at(210)));
            assert!(!stated.are_shown(&known, cents(1299), at(210)));
            assert!(stated.are_shown(&known, cents(1300), at(210)));
        }
    }

    #[test]
    fn a_refund_that_is_recorded_with_its_detail_settles_its_message() {
        let known = ledger(210, 1300, &[detail(1, 1000), detail(2, 300)]);
        assert!(RefundStatements::from_iter([stated(1300, detail(2, 300))]).are_shown(&known, cents(1300), at(220)));
        assert!(!RefundStatements::from_iter([stated(1300, detail(3, 300))]).are_shown(&known, cents(1300), at(320)));
    }

    #[test]
    fn an_equal_refund_without_detail_settles_a_message_of_its_time() {
        let known = ledger(200, 300, &[]);
        assert!(RefundStatements::from_iter([stated(300, detail(2, 300))]).are_shown(&known, cents(300), at(210)));
        assert!(!RefundStatements::from_iter([stated(300, detail(3, 300))]).are_shown(&known, cents(300), at(310)));
        let bare = RefundDetail::bare(cents(300));
        assert!(RefundStatements::from_iter([stated(300, bare)]).are_shown(&known, cents(300), at(310)));
    }

    #[test]
    fn part_of_a_larger_sum_is_shown_once_the_provider_cannot_lag_any_more() {
        let known = ledger(201, 1300, &[]);
        let stated = RefundStatements::from_iter([stated(1300, detail(2, 300))]);
        assert!(!stated.are_shown(&known, cents(1300), at(259)));
        assert!(stated.are_shown(&known, cents(1300), at(260)));
    }

    #[test]
    fn several_that_wait_are_settled_by_what_holds_them_all() {
        let both = RefundStatements::from_iter([stated(1000, detail(2, 300)), stated(1000, detail(3, 400))]);
        let known = ledger(100, 1000, &[detail(1, 1000)]);
        assert!(!both.are_shown(&known, cents(1400), at(310)));
        assert!(both.are_shown(&known, cents(1700), at(310)));
        // One of them is recorded, and part of the increase.
        let known = ledger(210, 1300, &[detail(1, 1000), detail(2, 300)]);
        assert!(!both.are_shown(&known, cents(1400), at(310)));
        assert!(both.are_shown(&known, cents(1700), at(310)));
    }

    #[test]
    fn what_was_refunded_before_they_were_stated_is_no_part_of_the_increase() {
        let both = RefundStatements::from_iter([stated(0, detail(1, 1000)), stated(1000, detail(2, 300))]);
        let known = ledger(110, 1000, &[detail(1, 1000)]);
        assert!(!both.are_shown(&known, cents(1299), at(210)));
        assert!(both.are_shown(&known, cents(1300), at(210)));
    }

    #[test]
    fn they_are_stated_of_the_payment_as_it_is_now_whose_own_reference_distinguishes_nothing() {
        let payment = Transaction::builder(Status::Completed, cents(10_000)).reference_number("12-ab".parse().unwrap());
        let payment = payment.refunded_amount(cents(1000)).build();
        let with = |reference: &str| {
            let reference_number = Some(reference.parse().unwrap());
            RefundDetail { reference_number, ..detail(2, 300) }
        };
        let now = RefundStatements::from_iter([stated(0, with("12-ab")), stated(0, with("13-cd"))]).since(&payment);
        assert_eq!(now, RefundStatements::from_iter([stated(1000, detail(2, 300)), stated(1000, with("13-cd"))]));
        assert!(!now.is_empty() && RefundStatements::default().is_empty());
    }

    #[test]
    fn they_are_read_back_from_what_they_are_written_as() {
        let reference_number = Some("12-ab".parse().unwrap());
        let odd = RefundDetail { reference_number, daily_transaction_id: Some("a\nb\"".into()), ..detail(1, 1) };
        for statements in [
            RefundStatements::default(),
            RefundStatements::from_iter([stated(0, RefundDetail::bare(cents(5)))]),
            RefundStatements::from_iter([stated(1000, odd), stated(7, detail(2, 300))]),
        ] {
            assert_eq!(statements.to_string().parse::<RefundStatements>().unwrap(), statements);
        }
        assert!("[1]".parse::<RefundStatements>().is_err());
    }
}
