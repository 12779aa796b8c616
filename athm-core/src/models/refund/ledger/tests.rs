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

/// A completed payment of 1,000.00, with its ledger and the refunds that fired.
struct Payment {
    transaction: Transaction,
    refunds: RefundLedger,
    fired: FiredTransitions,
    refunds_fired: Vec<Refund>,
}

impl Payment {
    fn paid() -> Self {
        let seen = Transaction::builder(Status::Completed, cents(100_000)).reference_number("12-ab".parse().unwrap());
        let (transaction, refunds, transitions) = Transaction::first_seen(&seen.build(), &[]);
        let fired = transitions.iter().map(Transition::key).collect();
        Self { transaction, refunds, fired, refunds_fired: Vec::new() }
    }

    /// With a refund that we requested before anything else happened.
    fn requesting(mut self, amount: i64) -> (Self, RefundId) {
        let pending = RefundRecord::asked_for(self.transaction.id, cents(amount), second(0));
        let id = pending.id;
        self.refunds.0.push(pending);
        (self, id)
    }

    /// Observes it at that second with this refunded amount and these reported refunds. Returns the refunds that fire.
    fn observe(&mut self, at: i64, refunded: i64, reported: &[ReportedRefund]) -> Vec<(i64, i64)> {
        let observed =
            Transaction { refunded_amount: cents(refunded), updated_at: second(at), ..self.transaction.clone() };
        let transitions = self.transaction.apply(&observed, reported, &mut self.refunds, &mut self.fired);
        let refunds_fired: Vec<_> = transitions.iter().filter_map(|transition| transition.refund().copied()).collect();
        self.refunds_fired.extend(&refunds_fired);
        refunds_fired.iter().map(|refund| (refund.amount.cents(), refund.total_refunded.cents())).collect()
    }

    /// Amount, running total and daily number of each refund in the ledger.
    fn ledger(&self) -> Vec<(i64, i64, Option<&str>)> {
        let each = self.refunds.done().map(|refund| {
            let total = refund.total_refunded.unwrap_or_default();
            (refund.amount.cents(), total.cents(), refund.daily_transaction_id.as_deref())
        });
        each.collect()
    }
}

#[test]
fn an_increase_is_one_refund_of_exactly_the_difference() {
    let mut payment = Payment::paid();
    assert_eq!(payment.observe(50, 500, &[]), [(500, 500)]);
    assert_eq!(payment.observe(60, 500, &[]), []);
    assert_eq!(payment.observe(70, 300, &[]), []);
    assert_eq!(payment.observe(80, 800, &[]), [(300, 800)]);
    assert_eq!(payment.ledger(), [(500, 500, None), (300, 800, None)]);
}

#[test]
fn reported_refunds_come_first_and_the_rest_is_one_without_detail() {
    let mut payment = Payment::paid();
    assert_eq!(payment.observe(250, 1000, &[detail(2, 300), detail(1, 200)]), [(200, 200), (300, 500), (500, 1000)]);
    assert_eq!(payment.ledger(), [(200, 200, Some("0031")), (300, 500, Some("0032")), (500, 1000, None)]);
}

#[test]
fn two_equal_partial_refunds_stay_two() {
    let mut payment = Payment::paid();
    assert_eq!(payment.observe(150, 500, &[detail(1, 500)]), [(500, 500)]);
    assert_eq!(payment.observe(250, 1000, &[detail(1, 500), detail(2, 500)]), [(500, 1000)]);
    assert_eq!(payment.observe(300, 1000, &[detail(2, 500)]), []);
    assert_eq!(payment.ledger(), [(500, 500, Some("0031")), (500, 1000, Some("0032"))]);
}

#[test]
fn refunds_seen_as_one_are_split_by_later_reports_and_fire_nothing() {
    let mut payment = Payment::paid();
    assert_eq!(payment.observe(350, 1000, &[]), [(1000, 1000)]);
    assert_eq!(payment.observe(400, 1000, &[detail(2, 300)]), []);
    assert_eq!(payment.ledger(), [(300, 300, Some("0032")), (700, 1000, None)]);
    assert_eq!(payment.observe(400, 1000, &[detail(1, 200), detail(3, 500)]), []);
    let amounts: Vec<_> = payment.ledger().into_iter().map(|(amount, ..)| amount).collect();
    assert_eq!(amounts, [300, 200, 500]);
}

#[test]
fn a_report_ahead_of_the_refunded_amount_waits_for_the_increase() {
    let mut payment = Payment::paid();
    assert_eq!(payment.observe(150, 0, &[detail(1, 500)]), []);
    assert_eq!(payment.observe(160, 500, &[detail(1, 500)]), [(500, 500)]);
    assert_eq!(payment.ledger(), [(500, 500, Some("0031"))]);
}

#[test]
fn an_answer_with_the_sum_from_before_counts_its_own_refund_in_addition() {
    let answered = |id, amount| ReportedRefund { refund: Some(id), ..detail(1, amount) };
    let (mut payment, id) = Payment::paid().requesting(1000);
    assert_eq!(payment.observe(50, 0, &[answered(id, 1000)]), [(1000, 1000)]);
    assert_eq!(payment.ledger(), [(1000, 1000, Some("0031"))]);
    assert_eq!(payment.observe(60, 1000, &[]), []);

    // 3.00 seen meanwhile can't hold the 10.00.
    let (mut payment, id) = Payment::paid().requesting(1000);
    assert_eq!(payment.observe(40, 300, &[]), [(300, 300)]);
    assert_eq!(payment.observe(50, 0, &[answered(id, 1000)]), [(1000, 1300)]);
    assert_eq!(payment.transaction.refunded_amount, cents(1300));

    // 10.00 seen meanwhile were it.
    let (mut payment, id) = Payment::paid().requesting(1000);
    assert_eq!(payment.observe(40, 1000, &[]), [(1000, 1000)]);
    assert_eq!(payment.observe(50, 0, &[answered(id, 1000)]), []);
    assert_eq!(payment.transaction.refunded_amount, cents(1000));
}

#[test]
fn our_answer_a_webhook_and_a_report_make_one_refund_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (mut payment, id) = Payment::paid().requesting(500);
        let refunds_fired: Vec<_> = order
            .iter()
            .flat_map(|way| match way {
                0 => payment.observe(150, 500, &[ReportedRefund { refund: Some(id), ..detail(1, 500) }]),
                1 => payment.observe(160, 500, &[]),
                _ => payment.observe(170, 500, &[detail(1, 500)]),
            })
            .collect();
        assert_eq!(refunds_fired, [(500, 500)], "{order:?}");
        assert_eq!(payment.ledger(), [(500, 500, Some("0031"))], "{order:?}");
        assert!(payment.refunds.0[0].id == id && payment.refunds.0[0].is_ours);
    }
}

#[test]
fn a_refund_without_an_answer_is_resolved_only_by_an_increase_that_holds_it() {
    let (mut payment, id) = Payment::paid().requesting(500);
    assert_eq!(payment.observe(50, 0, &[]), []);
    // A refund that we didn't ask for.
    assert_eq!(payment.observe(60, 499, &[]), [(499, 499)]);
    assert_eq!(payment.refunds.pending().map(|refund| refund.id), Some(id));
    assert_eq!(payment.observe(70, 1199, &[]), [(500, 999), (200, 1199)]);
    assert_eq!(payment.refunds.pending(), None);
}

#[test]
fn a_report_of_another_payments_refund_takes_nothing_from_one_that_we_asked_for() {
    let (mut payment, id) = Payment::paid().requesting(500);
    assert_eq!(payment.observe(150, 500, &[detail(2, 140)]), [(500, 500)]);
    assert_eq!(payment.observe(160, 500, &[ReportedRefund { refund: Some(id), ..detail(1, 500) }]), []);
    assert_eq!(payment.ledger(), [(500, 500, Some("0031"))]);
}

#[test]
fn a_later_refund_of_the_same_amount_is_not_taken_for_ours() {
    let (mut payment, id) = Payment::paid().requesting(400);
    assert_eq!(payment.observe(250, 900, &[]), [(400, 400), (500, 900)]);
    assert_eq!(payment.observe(350, 1300, &[detail(3, 400)]), [(400, 1300)]);
    assert_eq!(payment.observe(360, 1300, &[detail(1, 400), detail(2, 500)]), []);
    assert_eq!(payment.ledger(), [(400, 400, Some("0031")), (500, 900, Some("0032")), (400, 1300, Some("0033"))]);
    assert!(payment.refunds.0[0].id == id && payment.refunds.0[0].is_ours);
}

#[test]
fn a_refund_that_was_recorded_as_others_fires_nothing_when_it_is_answered() {
    for (seen, kept) in [(510, 2), (700, 3)] {
        let (mut payment, id) = Payment::paid().requesting(500);
        let others = [detail(2, 140), detail(3, 350)];
        assert_eq!(payment.observe(350, seen, &others), [(140, 140), (350, 490), (seen - 490, seen)]);
        assert_eq!(payment.observe(360, seen, &[ReportedRefund { refund: Some(id), ..detail(1, 500) }]), []);
        assert_eq!(payment.refunds.total(), cents(seen), "{:?}", payment.refunds);
        assert!(payment.refunds.0.iter().any(|kept| kept.id == id && kept.state == RefundState::Done));
        assert_eq!(payment.ledger().len(), kept, "{:?}", payment.ledger());
        assert_eq!(payment.observe(400, seen + 50, &[]), [(50, seen + 50)]);
        assert_eq!(payment.refunds.total(), cents(seen + 50));
    }
}

#[test]
fn an_answer_of_what_others_recorded_to_the_cent_adds_nothing() {
    let (mut payment, id) = Payment::paid().requesting(500);
    assert_eq!(payment.observe(350, 500, &[detail(2, 140), detail(3, 360)]), [(140, 140), (360, 500)]);
    assert_eq!(payment.observe(360, 0, &[ReportedRefund { refund: Some(id), ..detail(1, 500) }]), []);
    assert_eq!(payment.ledger(), [(500, 500, Some("0031"))]);
}

#[test]
fn what_was_refunded_before_the_request_is_no_part_of_its_answer() {
    let mut payment = Payment::paid();
    assert_eq!(payment.observe(-50, 1000, &[]), [(1000, 1000)]);
    let (mut payment, id) = payment.requesting(1000);
    assert_eq!(payment.observe(50, 1000, &[ReportedRefund { refund: Some(id), ..detail(1, 1000) }]), [(1000, 2000)]);
    assert_eq!(payment.ledger(), [(1000, 1000, None), (1000, 2000, Some("0031"))]);
}

#[test]
fn an_answer_that_arrives_twice_counts_once() {
    let (mut payment, id) = Payment::paid().requesting(1000);
    let answered = [ReportedRefund { refund: Some(id), ..detail(1, 1000) }];
    assert_eq!(payment.observe(50, 0, &answered), [(1000, 1000)]);
    assert_eq!(payment.observe(60, 0, &answered), []);
    assert_eq!(payment.ledger(), [(1000, 1000, Some("0031"))]);
}

#[test]
fn a_confirmed_refund_takes_its_amount_from_others_never_from_ours_and_the_totals_follow() {
    let (mut payment, first) = Payment::paid().requesting(100);
    assert_eq!(payment.observe(50, 100, &[]), [(100, 100)]);
    let (mut payment, second) = payment.requesting(500);
    assert_eq!(payment.observe(350, 700, &[detail(2, 350), detail(3, 250)]), [(350, 450), (250, 700)]);
    assert_eq!(payment.observe(360, 700, &[ReportedRefund { refund: Some(second), ..detail(1, 500) }]), []);
    // The latest of the others is gone, the one before is reduced, and each total is that of the refunds up to it.
    assert_eq!(payment.ledger(), [(100, 100, None), (100, 200, Some("0032")), (500, 700, Some("0031"))]);
    let ours: Vec<_> = payment.refunds.done().filter(|refund| refund.is_ours).map(|refund| refund.id).collect();
    assert_eq!(ours, [first, second]);
}

#[test]
fn a_confirmed_refund_comes_before_one_without_an_answer() {
    let (payment, unanswered) = Payment::paid().requesting(500);
    let (mut payment, answered) = payment.requesting(500);
    assert_eq!(payment.observe(50, 500, &[ReportedRefund { refund: Some(answered), ..detail(1, 500) }]), [(500, 500)]);
    assert_eq!(payment.refunds.done().map(|refund| refund.id).collect::<Vec<_>>(), [answered]);
    assert_eq!(payment.refunds.pending().map(|refund| refund.id), Some(unanswered));
}

#[test]
fn a_refund_that_is_split_off_has_an_id_of_its_own() {
    let mut payment = Payment::paid();
    payment.observe(350, 1000, &[]);
    let whole = payment.refunds.0[0].id;
    payment.observe(400, 1000, &[detail(2, 300)]);
    assert_eq!(payment.refunds.0[1].id, whole);
    assert_ne!(payment.refunds.0[0].id, whole);
}

#[test]
fn only_what_is_new_or_changed_is_written() {
    let mut payment = Payment::paid();
    payment.observe(50, 500, &[]);
    let before = payment.refunds.clone();
    assert_eq!(payment.refunds.clone().changed_since(&before), []);
    payment.observe(150, 900, &[]);
    let changed = payment.refunds.clone().changed_since(&before);
    assert_eq!(changed, [payment.refunds.0[1].clone()]);
}

#[test]
fn refunds_from_before_single_refunds_were_recorded_are_one_without_detail() {
    let mut payment = Payment::paid();
    (payment.transaction.refunded_amount, payment.transaction.updated_at) = (cents(400), second(50));
    assert_eq!(payment.observe(150, 600, &[detail(1, 200)]), [(200, 600)]);
    assert_eq!(payment.ledger(), [(400, 400, None), (200, 600, Some("0031"))]);
}

#[test]
fn refunds_of_two_rows_of_one_payment_are_merged() {
    let (mut one, mut other) = (Payment::paid(), Payment::paid());
    one.observe(150, 500, &[]);
    other.observe(160, 500, &[detail(1, 500)]);
    other.observe(250, 800, &[detail(2, 300)]);
    one.refunds.merge(&mut one.transaction, &other.transaction, &other.refunds);
    assert_eq!(one.ledger(), [(500, 500, Some("0031")), (300, 800, Some("0032"))]);
    assert!(one.refunds.0.iter().all(|refund| refund.transaction_id == one.transaction.id));
    // The other row has fired them.
    assert_eq!(one.observe(260, 800, &[detail(1, 500), detail(2, 300)]), []);
    assert_eq!(one.observe(350, 900, &[]), [(100, 900)]);
}

#[test]
fn a_refund_of_ours_stays_ours_when_its_row_is_merged() {
    let (mut one, (mut other, id)) = (Payment::paid(), Payment::paid().requesting(500));
    assert_eq!(other.observe(150, 500, &[]), [(500, 500)]);
    one.refunds.merge(&mut one.transaction, &other.transaction, &other.refunds);
    assert_eq!(one.ledger(), [(500, 500, None)]);
    assert!(one.refunds.0[0].id == id && one.refunds.0[0].is_ours);
}

#[test]
fn refunds_of_others_stay_theirs_when_a_row_with_ours_is_merged() {
    let (mut one, (mut other, id)) = (Payment::paid(), Payment::paid().requesting(500));
    assert_eq!(other.observe(150, 800, &[detail(1, 300)]), [(300, 300), (500, 800)]);
    one.refunds.merge(&mut one.transaction, &other.transaction, &other.refunds);
    assert_eq!(one.ledger(), [(500, 500, None), (300, 800, Some("0031"))]);
    let ours: Vec<_> = one.refunds.0.iter().filter(|refund| refund.is_ours).map(|refund| refund.id).collect();
    assert_eq!(ours, [id]);
}

#[test]
fn a_refund_without_an_answer_moves_to_the_payment_that_its_row_is_merged_into() {
    let (mut one, (other, id)) = (Payment::paid(), Payment::paid().requesting(500));
    one.refunds.merge(&mut one.transaction, &other.transaction, &other.refunds);
    let pending = one.refunds.pending().unwrap();
    assert_eq!((pending.id, pending.transaction_id), (id, one.transaction.id));
}

/// What happened: the amounts of refunds in their order; and what was observed of it: after how many of them, and which
/// of them were reported.
fn history() -> impl Strategy<Value = (Vec<i64>, Vec<(usize, Vec<bool>)>)> {
    prop::collection::vec(1_i64..=5, 1..=5).prop_flat_map(|amounts| {
        let count = amounts.len();
        let seen = prop::collection::vec((0..=count, prop::collection::vec(any::<bool>(), count)), 0..8);
        (Just(amounts), seen)
    })
}

/// An observation after the first `made_after` refunds, with the chosen ones among them reported in detail.
fn report(payment: &mut Payment, amounts: &[i64], made_after: usize, chosen: &[bool]) {
    let happened = || (1_i64..).zip(amounts).take(made_after);
    let reported: Vec<_> =
        happened().zip(chosen).filter(|(_, chosen)| **chosen).map(|((n, amount), _)| detail(n, *amount)).collect();
    let refunded = happened().map(|(_, amount)| amount).sum();
    // Later than the provider's answers may lag: before that, which sum holds a refund can't be known.
    let at = 100 * i64::try_from(made_after).unwrap() + 80;
    payment.observe(at, refunded, &reported);
}

fn check(payment: &Payment, amounts: &[i64]) -> Result<(), TestCaseError> {
    let total: i64 = amounts.iter().sum();
    prop_assert_eq!(payment.transaction.refunded_amount.cents(), total);
    prop_assert_eq!(payment.refunds_fired.iter().map(|refund| refund.amount.cents()).sum::<i64>(), total);
    prop_assert!(payment.refunds_fired.len() <= amounts.len());
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
    fn any_observations_in_any_order_lead_to_the_same_refunds((amounts, seen) in history()) {
        let mut payment = Payment::paid();
        for (made_after, chosen) in &seen {
            report(&mut payment, &amounts, *made_after, chosen);
        }
        report(&mut payment, &amounts, amounts.len(), &vec![true; amounts.len()]);
        check(&payment, &amounts)?;
    }

    #[test]
    fn any_observations_lead_to_the_same_refunds_when_the_first_is_ours((amounts, seen) in history(), answered in 0_usize..8) {
        let (mut payment, id) = Payment::paid().requesting(amounts[0]);
        let answer = ReportedRefund { refund: Some(id), ..detail(1, amounts[0]) };
        for (n, (made_after, chosen)) in seen.iter().enumerate() {
            if n == answered {
                payment.observe(110, amounts[0], std::slice::from_ref(&answer));
            }
            report(&mut payment, &amounts, *made_after, chosen);
        }
        report(&mut payment, &amounts, amounts.len(), &vec![true; amounts.len()]);
        payment.observe(110, amounts[0], std::slice::from_ref(&answer));
        check(&payment, &amounts)?;
        prop_assert_eq!(payment.refunds.pending(), None);
        prop_assert_eq!(payment.refunds.0.iter().filter(|refund| refund.is_ours).count(), 1);
    }
}
