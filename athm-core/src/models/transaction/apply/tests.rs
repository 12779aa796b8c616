use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::models::{Item, Signal};

fn seen(status: Status) -> Transaction {
    Transaction { verified: true, ..Transaction::builder(status, Amount::from_cents(2500)).build() }
}

/// The payment after all of these observations, and the transitions that it made.
fn after(observations: impl IntoIterator<Item = Transaction>) -> (Transaction, Vec<Transition>) {
    let mut observations = observations.into_iter();
    let first = observations.next().expect("at least one observation");
    let (mut transaction, mut refunds, mut transitions) = Transaction::first_seen(&first, &[]);
    let mut fired: FiredTransitions = transitions.iter().map(Transition::key).collect();
    for observed in observations {
        transitions.extend(transaction.apply(&observed, &[], &mut refunds, &mut fired));
    }
    (transaction, transitions)
}

#[test]
fn a_payment_moves_from_open_to_completed_and_fires_once() {
    let (transaction, transitions) =
        after([Status::Open, Status::Confirmed, Status::Completed, Status::Completed].map(seen));
    assert_eq!(transaction.status, Status::Completed);
    assert_eq!(transitions, [Transition::Completed]);
}

#[test]
fn a_paid_order_stays_paid_when_a_late_cancel_arrives() {
    let late = Transaction { total: Amount::from_cents(1), ..seen(Status::Cancelled) };
    let (transaction, transitions) = after([seen(Status::Completed), late, seen(Status::Open)]);
    assert_eq!((transaction.status, transaction.total), (Status::Completed, Amount::from_cents(2500)));
    assert_eq!(transitions, [Transition::Completed]);
}

#[test]
fn only_the_providers_verified_word_completes_a_cancelled_payment() {
    let claimed = Transaction { verified: false, ..seen(Status::Completed) };
    let (transaction, transitions) = after([seen(Status::Cancelled), claimed]);
    assert_eq!(transaction.status, Status::Cancelled);
    assert_eq!(transitions, [Transition::Cancelled]);

    let (transaction, transitions) = after([seen(Status::Cancelled), seen(Status::Completed)]);
    assert_eq!(transaction.status, Status::Completed);
    assert_eq!(transitions, [Transition::Cancelled, Transition::Completed]);
}

#[test]
fn a_cancel_past_the_deadline_is_an_expiry_and_the_first_of_both_stays() {
    let now = Timestamp::now();
    let ours = Transaction { deadline: Some(now), ..seen(Status::Open) };
    let early = Transaction { updated_at: now - SignedDuration::from_secs(1), ..seen(Status::Cancelled) };
    let late = Transaction { updated_at: now + SignedDuration::from_secs(1), ..seen(Status::Cancelled) };

    let (transaction, transitions) = after([ours.clone(), late.clone(), early.clone()]);
    assert_eq!(transaction.status, Status::Expired);
    assert_eq!(transitions, [Transition::Expired]);

    let (transaction, transitions) = after([ours, early, late]);
    assert_eq!(transaction.status, Status::Cancelled);
    assert_eq!(transitions, [Transition::Cancelled]);
}

#[test]
fn an_unknown_status_is_recorded_and_never_counts_as_paid() {
    let odd = seen(Status::Unknown("REVIEW".into()));
    let (transaction, transitions) = after([seen(Status::Open), odd.clone(), seen(Status::Open), odd.clone()]);
    assert_eq!(transaction.status, odd.status);
    assert_eq!(transitions, [Transition::Unknown("REVIEW".into())]);
    assert_eq!(transitions[0].signals(), [Signal::Received]);
}

#[test]
fn each_increase_of_the_refunded_amount_is_one_refund() {
    let refunded = |cents| Transaction { refunded_amount: Amount::from_cents(cents), ..seen(Status::Completed) };
    let (transaction, transitions) = after([refunded(0), refunded(500), refunded(500), refunded(1200), refunded(500)]);
    assert_eq!(transaction.refunded_amount, Amount::from_cents(1200));
    let amounts = transitions.iter().filter_map(|transition| match transition {
        Transition::Refunded(refund) => Some(refund.amount.cents()),
        _ => None,
    });
    assert_eq!(amounts.collect::<Vec<_>>(), [500, 700]);
}

#[test]
fn a_payment_first_seen_refunded_has_completed_too() {
    let observed = Transaction { refunded_amount: Amount::from_cents(2500), ..seen(Status::Completed) };
    let (_, transitions) = after([observed]);
    assert!(matches!(transitions[..], [Transition::Completed, Transition::Refunded(_)]));
}

#[test]
fn an_app_payment_fires_received_alone_until_it_turns_out_to_be_a_checkout() {
    let app = Transaction { kind: TransactionKind::Payment, ..seen(Status::Completed) };
    let (transaction, transitions) = after([app.clone(), app, seen(Status::Completed)]);
    assert_eq!(transaction.kind, TransactionKind::Ecommerce);
    assert_eq!(transitions, [Transition::Paid, Transition::Completed]);
    assert_eq!(transitions[0].signals(), [Signal::Received]);
}

#[test]
fn a_checkout_stays_one_and_a_refunds_message_changes_no_kind() {
    let of = |kind| Transaction { kind, ..seen(Status::Completed) };
    let (transaction, _) = after([seen(Status::Open), of(TransactionKind::Payment)]);
    assert_eq!(transaction.kind, TransactionKind::Ecommerce);
    let (transaction, _) = after([of(TransactionKind::Payment), of(TransactionKind::Refund)]);
    assert_eq!(transaction.kind, TransactionKind::Payment);
}

#[test]
fn a_payment_first_seen_cancelled_after_its_deadline_has_expired() {
    let cancelled = seen(Status::Cancelled);
    let late = Transaction { deadline: Some(cancelled.updated_at), ..cancelled };
    let (transaction, transitions) = after([late]);
    assert_eq!((transaction.status, transitions), (Status::Expired, vec![Transition::Expired]));
}

#[test]
fn items_are_replaced_by_others_never_by_none() {
    let [mug, cup] = ["Mug", "Cup"].map(|name| vec![Item::new(name, Amount::from_cents(2500))]);
    let of = |items: &Vec<Item>| Transaction { items: items.clone(), ..seen(Status::Open) };
    assert_eq!(after([of(&mug), seen(Status::Open)]).0.items, mug);
    assert_eq!(after([of(&mug), of(&cup)]).0.items, cup);
}

#[test]
fn verified_details_are_not_overwritten_by_unverified_ones() {
    let claimed = Transaction { verified: false, total: Amount::from_cents(1), ..seen(Status::Completed) };
    let (transaction, _) = after([seen(Status::Open), claimed.clone()]);
    assert_eq!(transaction.total, Amount::from_cents(2500));
    assert!(!transaction.is_verified());

    let (transaction, _) = after([claimed, seen(Status::Completed)]);
    assert_eq!(transaction.total, Amount::from_cents(2500));
    assert!(transaction.is_verified());
}

#[test]
fn another_total_than_the_expected_one_completes_once_it_is_accepted() {
    let opened = Transaction { expected_total: Some(Amount::from_cents(2500)), ..seen(Status::Open) };
    let dollar = Transaction { total: Amount::from_cents(100), ..seen(Status::Completed) };
    let (mut transaction, transitions) = after([opened, dollar.clone(), dollar.clone()]);
    assert_eq!(transitions, [Transition::Mismatched]);
    assert_eq!((transaction.total, transaction.expected_total), (dollar.total, Some(Amount::from_cents(2500))));
    let mut fired: FiredTransitions = transitions.iter().map(Transition::key).collect();
    let at = transaction.updated_at + SignedDuration::from_secs(1);
    // Acceptance of another total than the recorded one has no effect.
    let before = transaction.clone();
    assert!(transaction.accept(Amount::from_cents(2500), at, &mut fired).is_empty());
    assert_eq!(transaction, before);
    assert_eq!(transaction.accept(dollar.total, at, &mut fired), [Transition::Completed]);
    assert_eq!((transaction.is_mismatch(), transaction.updated_at), (false, at));
    assert!(transaction.accept(dollar.total, at, &mut fired).is_empty());
    assert!(transaction.apply(&dollar, &[], &mut RefundLedger::default(), &mut fired).is_empty());
}

#[test]
fn the_transitions_of_two_rows_are_fired_together() {
    let mut fired: FiredTransitions = [Transition::Completed.key()].into_iter().collect();
    assert!(fired.first(&Transition::Expired) && !fired.first(&Transition::Completed));
    let mut other = FiredTransitions::default();
    other.extend(&fired);
    assert!(!other.first(&Transition::Completed) && !other.first(&Transition::Expired));
}

#[test]
fn details_are_taken_unless_verified_ones_would_be_overwritten_by_unverified_ones() {
    for (known, observed, takes) in
        [(true, true, true), (true, false, false), (false, true, true), (false, false, true)]
    {
        let mut transaction = Transaction { verified: known, ..seen(Status::Open) };
        let other = Transaction { verified: observed, total: Amount::from_cents(1), ..seen(Status::Open) };
        transaction.apply(&other, &[], &mut RefundLedger::default(), &mut FiredTransitions::default());
        assert_eq!(transaction.total == other.total, takes, "{known} {observed}");
        // What isn't a step leaves a verified payment verified.
        assert_eq!(transaction.verified, known || observed, "{known} {observed}");
    }
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Open),
        Just(Status::Confirmed),
        Just(Status::Completed),
        Just(Status::Cancelled),
        Just(Status::Expired),
        "[A-C]".prop_map(Status::Unknown),
    ]
}

fn any_observation() -> impl Strategy<Value = Transaction> {
    (any_status(), any::<bool>(), any::<bool>(), 0_i64..4, -5_i64..5).prop_map(
        |(status, verified, app, refunded, age)| {
            let observed = seen(status);
            Transaction {
                verified,
                kind: if app { TransactionKind::Payment } else { TransactionKind::Ecommerce },
                refunded_amount: Amount::from_cents(refunded),
                updated_at: observed.updated_at + SignedDuration::from_secs(age),
                deadline: Some(observed.created_at),
                ..observed
            }
        },
    )
}

proptest! {
    #[test]
    fn no_sequence_un_completes_a_payment_or_fires_a_signal_twice(observations in prop::collection::vec(any_observation(), 1..12)) {
        let (mut transaction, mut refunds, mut transitions) = Transaction::first_seen(&observations[0], &[]);
        let mut fired: FiredTransitions = transitions.iter().map(Transition::key).collect();
        for observed in &observations[1..] {
            let before = transaction.clone();
            transitions.extend(transaction.apply(observed, &[], &mut refunds, &mut fired));
            if before.status == Status::Completed {
                prop_assert_eq!(&transaction.status, &Status::Completed);
            }
            if before.status.is_final() && transaction.status != before.status {
                prop_assert!(observed.verified && transaction.status == Status::Completed);
            }
            prop_assert!(transaction.refunded_amount >= before.refunded_amount);
        }
        for signal in [Signal::Completed, Signal::Cancelled, Signal::Expired] {
            let times = transitions.iter().filter(|transition| transition.signals().contains(&signal)).count();
            prop_assert!(times <= 1, "{} fired {} times", signal, times);
        }
        let refunded: i64 = transitions.iter().map(|transition| match transition {
            Transition::Refunded(refund) => refund.amount.cents(),
            _ => 0,
        }).sum();
        prop_assert_eq!(refunded, transaction.refunded_amount.cents());
        let keys: BTreeSet<_> = transitions.iter().map(Transition::key).collect();
        prop_assert_eq!(keys.len(), transitions.len());
    }

    #[test]
    fn seeing_the_same_again_changes_nothing(observations in prop::collection::vec(any_observation(), 1..6)) {
        let last = observations.last().expect("at least one").clone();
        let (mut transaction, transitions) = after(observations);
        let mut fired: FiredTransitions = transitions.iter().map(Transition::key).collect();
        let before = transaction.clone();
        prop_assert!(transaction.apply(&last, &[], &mut RefundLedger::default(), &mut fired).is_empty());
        prop_assert_eq!(transaction, before);
    }
}
