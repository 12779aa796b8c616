//! Which payment a refund belongs to that the provider lists under a reference number of its own.
//!
//! Nothing but the customer ties the two. Each of the customer's payments is read, and one of them has to show the refund:
//! by its detail, or by an increase since the last reading. Where that decides nothing, the refund isn't attributed: a wrong
//! guess would put it into another payment's books.

use jiff::Timestamp;

use super::RefundDetail;
use crate::models::{Amount, RefundLedger, Transaction};

/// A payment that may have been refunded: as it was recorded, and as the provider has it now.
#[derive(Debug)]
pub(crate) struct RefundCandidate {
    pub(crate) recorded: Transaction,
    pub(crate) ledger: RefundLedger,
    /// `None` when the provider couldn't be asked.
    pub(crate) observed: Option<Transaction>,
}

impl RefundCandidate {
    fn increase(&self) -> Amount {
        let observed = self.observed.as_ref().map(|observed| observed.refunded_amount);
        observed.and_then(|observed| observed.checked_sub(self.recorded.refunded_amount)).unwrap_or(Amount::ZERO)
    }
}

/// The place of the candidate that the refund belongs to, if exactly one shows it.
///
/// In this order: the refund is recorded in detail; the refunded amount has just risen by exactly its amount, or by more;
/// it is part of what was recorded without detail, which counts only where every candidate could be read.
pub(crate) fn attribute(detail: &RefundDetail, candidates: &[RefundCandidate], at: Timestamp) -> Option<usize> {
    let only = |holds: &dyn Fn(&RefundCandidate) -> bool| {
        let mut places = (0..candidates.len()).filter(|&place| holds(&candidates[place]));
        Some((places.next()?, places.next().is_none()))
    };
    let is_read = candidates.iter().all(|candidate| candidate.observed.is_some());
    let rules: [&dyn Fn(&RefundCandidate) -> bool; 4] = [
        &|candidate| candidate.ledger.find(detail).is_some(),
        &|candidate| candidate.increase() == detail.amount,
        &|candidate| candidate.increase() > detail.amount,
        &|candidate| is_read && candidate.ledger.includes(detail, at),
    ];
    // The first rule that holds for any candidate decides, if it holds for one alone.
    let (place, is_only) = rules.into_iter().find_map(only)?;
    is_only.then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ReportedRefund, Status};

    fn cents(cents: i64) -> Amount {
        Amount::from_cents(cents)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_730_000_000 + second).unwrap()
    }

    fn detail(amount: i64) -> RefundDetail {
        let daily_transaction_id = Some("0107".to_owned());
        RefundDetail { daily_transaction_id, date: Some(at(0)), ..RefundDetail::bare(cents(amount)) }
    }

    /// A payment with refunds that were seen at that second, some with that detail, and what is shown now.
    fn candidate(seen: &[i64], reported: &[RefundDetail], second: i64, shown: Option<i64>) -> RefundCandidate {
        let paid = |refunded| {
            let built = Transaction::builder(Status::Completed, cents(10_000)).refunded_amount(cents(refunded));
            Transaction { updated_at: at(second), ..built.build() }
        };
        let (mut recorded, mut ledger, _) = Transaction::first_seen(&paid(0), &[]);
        let mut fired = crate::models::FiredTransitions::default();
        let mut total = 0;
        for amount in seen {
            total += amount;
            let reported = reported.iter().filter(|detail| detail.amount == cents(*amount)).cloned();
            let reported: Vec<_> = reported.map(|detail| ReportedRefund { refund: None, detail }).collect();
            recorded.apply(&paid(total), &reported, &mut ledger, &mut fired);
        }
        RefundCandidate { recorded, ledger, observed: shown.map(paid) }
    }

    #[test]
    fn an_increase_comes_before_what_was_recorded_without_detail() {
        let newer = candidate(&[300], &[], 0, Some(300));
        let older = candidate(&[], &[], 0, Some(300));
        assert_eq!(attribute(&detail(300), &[newer, older], at(100)), Some(1));
    }

    #[test]
    fn a_recorded_detail_comes_before_everything() {
        let known = candidate(&[300], &[detail(300)], 0, Some(300));
        let risen = candidate(&[], &[], 0, Some(300));
        assert_eq!(attribute(&detail(300), &[risen, known], at(100)), Some(1));
    }

    #[test]
    fn an_exact_increase_comes_before_a_larger_one_and_two_decide_nothing() {
        let risen = |amount| candidate(&[], &[], 0, Some(amount));
        assert_eq!(attribute(&detail(300), &[risen(500), risen(300)], at(100)), Some(1));
        assert_eq!(attribute(&detail(300), &[risen(500), risen(299)], at(100)), Some(0));
        assert_eq!(attribute(&detail(300), &[risen(300), risen(300)], at(100)), None);
        assert_eq!(attribute(&detail(300), &[risen(299)], at(100)), None);
        assert_eq!(attribute(&detail(300), &[], at(100)), None);
    }

    #[test]
    fn without_an_increase_every_candidate_must_have_been_read() {
        let bare = || candidate(&[300], &[], 0, Some(300));
        assert_eq!(attribute(&detail(300), &[bare(), candidate(&[], &[], 0, Some(0))], at(100)), Some(0));
        assert_eq!(attribute(&detail(300), &[bare(), candidate(&[], &[], 0, None)], at(100)), None);
        assert_eq!(attribute(&detail(300), &[bare(), bare()], at(100)), None);
    }
}
