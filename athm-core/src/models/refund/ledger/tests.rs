use proptest::prelude::*;

use super::*;
use crate::models::{FiredTransitions, Status, Transition};

const START: i64 = 1_730_000_000;

fn cents(cents: i64) -> Amount {
    Amount::from_cents(cents)
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

/// The nth refund of a payment, a hundred seconds after the one before.
fn detail(n: i64, amount: i64) -> ReportedRefund {
    let detail = RefundDetail {
        amount: cents(amount),
        reference_number: Some("12-ab".parse().unwrap()),
        daily_transaction_id: Some(format!("{:04}", 30 + n)),
        date: Some(second(100 * n)),
    };
    ReportedRefund { refund: None, detail }
}

/// A payment of 1,000.00, paid, and what became of it.
struct Payment {
    transaction: Transaction,
    refunds: RefundLedger,
    fired: FiredTransitions,
    news: Vec<Refund>,
}

impl Payment {
    fn paid() -> Self {
        let seen = Transaction::builder(Status::Completed, cents(100_000)).reference_number("12-ab".parse().unwrap());
        let (transaction, refunds, transitions) = Transaction::first_seen(&seen.build(), &[]);
        let fired = transitions.iter().map(Transition::key).collect();
        Self { transaction, refunds, fired, news: Vec::new() }
    }

    /// One that we asked for before anything else happened.
    fn asking(mut self, amount: i64) -> (Self, RefundId) {
        let pending = RefundRecord::asked_for(self.transaction.id, cents(amount), second(0));
        let id = pending.id;
        self.refunds.0.push(pending);
        (self, id)
    }

    /// It is seen at that second, with so much given back and these refunds told of. Returns the news.
    fn see(&mut self, at: i64, ledger: i64, reported: &[ReportedRefund]) -> Vec<(i64, i64)> {
        let observed =
            Transaction { refunded_amount: cents(ledger), updated_at: second(at), ..self.transaction.clone() };
        let transitions = self.transaction.apply(&observed, reported, &mut self.refunds, &mut self.fired);
        let news: Vec<_> = transitions.iter().filter_map(|transition| transition.refund().copied()).collect();
        self.news.extend(&news);
        news.iter().map(|refund| (refund.amount.cents(), refund.total_refunded.cents())).collect()
    }

    /// Amount, total and day's number of each refund in the ledger.
    fn ledger(&self) -> Vec<(i64, i64, Option<&str>)> {
        let each = self.refunds.in_ledger().map(|refund| {
            let total = refund.total_refunded.unwrap_or_default();
            (refund.amount.cents(), total.cents(), refund.daily_transaction_id.as_deref())
        });
        each.collect()
    }
}

#[test]
fn an_increase_is_a_refund_of_exactly_the_difference_and_seen_again_it_is_none() {
    let mut payment = Payment::paid();
    assert_eq!(payment.see(50, 500, &[]), [(500, 500)]);
    assert_eq!(payment.see(60, 500, &[]), []);
    assert_eq!(payment.see(70, 300, &[]), []);
    assert_eq!(payment.see(80, 800, &[]), [(300, 800)]);
    assert_eq!(payment.ledger(), [(500, 500, None), (300, 800, None)]);
}

#[test]
fn what_is_known_in_detail_comes_first_and_the_rest_is_one_without() {
    let mut payment = Payment::paid();
    assert_eq!(payment.see(250, 1000, &[detail(2, 300), detail(1, 200)]), [(200, 200), (300, 500), (500, 1000)]);
    assert_eq!(payment.ledger(), [(200, 200, Some("0031")), (300, 500, Some("0032")), (500, 1000, None)]);
}

#[test]
fn two_equal_partial_refunds_stay_two() {
    let mut payment = Payment::paid();
    assert_eq!(payment.see(150, 500, &[detail(1, 500)]), [(500, 500)]);
    assert_eq!(payment.see(250, 1000, &[detail(1, 500), detail(2, 500)]), [(500, 1000)]);
    assert_eq!(payment.see(300, 1000, &[detail(2, 500)]), []);
    assert_eq!(payment.ledger(), [(500, 500, Some("0031")), (500, 1000, Some("0032"))]);
}

#[test]
fn refunds_seen_as_one_are_split_by_what_is_told_later_and_fire_nothing() {
    let mut payment = Payment::paid();
    assert_eq!(payment.see(350, 1000, &[]), [(1000, 1000)]);
    assert_eq!(payment.see(400, 1000, &[detail(2, 300)]), []);
    assert_eq!(payment.ledger(), [(300, 300, Some("0032")), (700, 1000, None)]);
    assert_eq!(payment.see(400, 1000, &[detail(1, 200), detail(3, 500)]), []);
    let amounts: Vec<_> = payment.ledger().into_iter().map(|(amount, ..)| amount).collect();
    assert_eq!(amounts, [300, 200, 500]);
}

#[test]
fn a_detail_that_is_ahead_of_the_ledger_waits_for_it() {
    let mut payment = Payment::paid();
    assert_eq!(payment.see(150, 0, &[detail(1, 500)]), []);
    assert_eq!(payment.see(160, 500, &[detail(1, 500)]), [(500, 500)]);
    assert_eq!(payment.ledger(), [(500, 500, Some("0031"))]);
}

#[test]
fn our_answer_a_webhook_and_a_report_tell_of_one_refund_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (mut payment, id) = Payment::paid().asking(500);
        let news: Vec<_> = order
            .iter()
            .flat_map(|way| match way {
                0 => payment.see(150, 500, &[ReportedRefund { refund: Some(id), ..detail(1, 500) }]),
                1 => payment.see(160, 500, &[]),
                _ => payment.see(170, 500, &[detail(1, 500)]),
            })
            .collect();
        assert_eq!(news, [(500, 500)], "{order:?}");
        assert_eq!(payment.ledger(), [(500, 500, Some("0031"))], "{order:?}");
        assert!(payment.refunds.0[0].id == id && payment.refunds.0[0].is_ours);
    }
}

#[test]
fn an_unheard_refund_is_resolved_by_an_increase_that_holds_it_and_by_nothing_else() {
    let (mut payment, id) = Payment::paid().asking(500);
    assert_eq!(payment.see(50, 0, &[]), []);
    // Somebody else has given something back.
    assert_eq!(payment.see(60, 499, &[]), [(499, 499)]);
    assert_eq!(payment.refunds.pending().map(|refund| refund.id), Some(id));
    assert_eq!(payment.see(70, 1199, &[]), [(500, 999), (200, 1199)]);
    assert_eq!(payment.refunds.pending(), None);
}

#[test]
fn what_is_told_of_another_payments_refund_takes_no_part_of_one_that_we_asked_for() {
    let (mut payment, id) = Payment::paid().asking(500);
    assert_eq!(payment.see(150, 500, &[detail(2, 140)]), [(500, 500)]);
    assert_eq!(payment.see(160, 500, &[ReportedRefund { refund: Some(id), ..detail(1, 500) }]), []);
    assert_eq!(payment.ledger(), [(500, 500, Some("0031"))]);
}

#[test]
fn a_refund_that_was_seen_as_others_is_no_news_when_it_is_answered() {
    for (seen, kept) in [(510, 2), (700, 3)] {
        let (mut payment, id) = Payment::paid().asking(500);
        let others = [detail(2, 140), detail(3, 350)];
        assert_eq!(payment.see(350, seen, &others), [(140, 140), (350, 490), (seen - 490, seen)]);
        assert_eq!(payment.see(360, seen, &[ReportedRefund { refund: Some(id), ..detail(1, 500) }]), []);
        assert_eq!(payment.refunds.total(), cents(seen), "{:?}", payment.refunds);
        assert!(payment.refunds.0.iter().any(|kept| kept.id == id && kept.state == RefundState::Done));
        assert_eq!(payment.ledger().len(), kept, "{:?}", payment.ledger());
        assert_eq!(payment.see(400, seen + 50, &[]), [(50, seen + 50)]);
        assert_eq!(payment.refunds.total(), cents(seen + 50));
    }
}

#[test]
fn refunds_from_before_refunds_were_kept_are_one_without_detail() {
    let mut payment = Payment::paid();
    (payment.transaction.refunded_amount, payment.transaction.updated_at) = (cents(400), second(50));
    assert_eq!(payment.see(150, 600, &[detail(1, 200)]), [(200, 600)]);
    assert_eq!(payment.ledger(), [(400, 400, None), (200, 600, Some("0031"))]);
}

#[test]
fn refunds_of_two_rows_of_one_payment_become_the_refunds_of_one() {
    let (mut one, mut other) = (Payment::paid(), Payment::paid());
    one.see(150, 500, &[]);
    other.see(160, 500, &[detail(1, 500)]);
    other.see(250, 800, &[detail(2, 300)]);
    one.refunds.merge(&mut one.transaction, &other.transaction, &other.refunds);
    assert_eq!(one.ledger(), [(500, 500, Some("0031")), (300, 800, Some("0032"))]);
    assert!(one.refunds.0.iter().all(|refund| refund.transaction_id == one.transaction.id));
    // The other row has told of them.
    assert_eq!(one.see(260, 800, &[detail(1, 500), detail(2, 300)]), []);
    assert_eq!(one.see(350, 900, &[]), [(100, 900)]);
}

#[test]
fn a_refund_of_ours_stays_ours_when_its_row_turns_out_to_be_another() {
    let (mut one, (mut other, id)) = (Payment::paid(), Payment::paid().asking(500));
    assert_eq!(other.see(150, 500, &[]), [(500, 500)]);
    one.refunds.merge(&mut one.transaction, &other.transaction, &other.refunds);
    assert_eq!(one.ledger(), [(500, 500, None)]);
    assert!(one.refunds.0[0].id == id && one.refunds.0[0].is_ours);
}

/// What truly happened: the amounts of refunds, one after another; and what was seen of it: after how many of them, and
/// which ones were told in detail.
fn history() -> impl Strategy<Value = (Vec<i64>, Vec<(usize, Vec<bool>)>)> {
    prop::collection::vec(1_i64..=5, 1..=5).prop_flat_map(|amounts| {
        let count = amounts.len();
        let seen = prop::collection::vec((0..=count, prop::collection::vec(any::<bool>(), count)), 0..8);
        (Just(amounts), seen)
    })
}

/// As the report tells it: made after so many refunds, with the chosen ones among them in detail.
fn report(payment: &mut Payment, amounts: &[i64], made_after: usize, chosen: &[bool]) {
    let happened = || (1_i64..).zip(amounts).take(made_after);
    let reported: Vec<_> =
        happened().zip(chosen).filter(|(_, chosen)| **chosen).map(|((n, amount), _)| detail(n, *amount)).collect();
    let ledger = happened().map(|(_, amount)| amount).sum();
    let at = 100 * i64::try_from(made_after).unwrap() + 50;
    payment.see(at, ledger, &reported);
}

fn check(payment: &Payment, amounts: &[i64]) -> Result<(), TestCaseError> {
    let total: i64 = amounts.iter().sum();
    prop_assert_eq!(payment.transaction.refunded_amount.cents(), total);
    prop_assert_eq!(payment.news.iter().map(|refund| refund.amount.cents()).sum::<i64>(), total);
    prop_assert!(payment.news.len() <= amounts.len());
    let mut kept: Vec<_> =
        payment.ledger().into_iter().map(|(amount, _, daily)| (daily.unwrap_or_default().to_owned(), amount)).collect();
    kept.sort();
    let truth: Vec<_> = (1..).zip(amounts).map(|(n, amount)| (format!("{:04}", 30 + n), *amount)).collect();
    prop_assert_eq!(kept, truth);
    let mut reached = 0;
    for (amount, refunded, _) in payment.ledger() {
        reached += amount;
        prop_assert_eq!(refunded, reached);
    }
    Ok(())
}

proptest! {
    #[test]
    fn whoever_tells_what_in_whatever_order_it_comes_to_the_same_refunds((amounts, seen) in history()) {
        let mut payment = Payment::paid();
        for (made_after, chosen) in &seen {
            report(&mut payment, &amounts, *made_after, chosen);
        }
        report(&mut payment, &amounts, amounts.len(), &vec![true; amounts.len()]);
        check(&payment, &amounts)?;
    }

    #[test]
    fn so_it_does_when_the_first_refund_is_ours((amounts, seen) in history(), answered in 0_usize..8) {
        let (mut payment, id) = Payment::paid().asking(amounts[0]);
        let answer = ReportedRefund { refund: Some(id), ..detail(1, amounts[0]) };
        for (n, (made_after, chosen)) in seen.iter().enumerate() {
            if n == answered {
                payment.see(110, amounts[0], std::slice::from_ref(&answer));
            }
            report(&mut payment, &amounts, *made_after, chosen);
        }
        report(&mut payment, &amounts, amounts.len(), &vec![true; amounts.len()]);
        payment.see(110, amounts[0], std::slice::from_ref(&answer));
        check(&payment, &amounts)?;
        prop_assert_eq!(payment.refunds.pending(), None);
        prop_assert_eq!(payment.refunds.0.iter().filter(|refund| refund.is_ours).count(), 1);
    }
}
