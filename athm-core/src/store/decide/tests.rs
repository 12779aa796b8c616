use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::dispatch::Dispatcher;
use crate::models::{Amount, AttemptKind, Customer, RefundDetail, ReportedRefund, Sender, Signal, Status};
use crate::receiver::ReceiverOptions;
use crate::store::PollLane;

const REFERENCE: &str = "12-ab";

fn seen(status: Status) -> Transaction {
    let built = Transaction::builder(status, Amount::from_cents(2500)).reference_number(REFERENCE.parse().unwrap());
    Transaction { verified: true, ..built.build() }
}

fn stored(transaction: Transaction) -> Stored {
    Stored { transaction, fired: FiredTransitions::default(), refunds: RefundLedger::default() }
}

fn record(observed: Transaction) -> Observation {
    Observation::new(observed, Sender::CALLBACK)
}

fn refusing() -> Policy {
    let check: Check = Arc::new(|_: &Transaction| Err(Rejection::new("withdrawn")));
    Policy { checks: vec![Arc::new(|_: &Transaction| Ok(())), check], ..Policy::default() }
}

fn transitions(decision: &Decision) -> Vec<Transition> {
    decision.events.iter().map(|(event, _)| event.transition.clone()).collect()
}

#[test]
fn refunds_are_read_where_they_have_a_part_in_it() {
    let refunded = |cents| Transaction { refunded_amount: Amount::from_cents(cents), ..seen(Status::Completed) };
    let reconciled = |cents| Observation { origin: Origin::Reconciliation, ..record(refunded(cents)) };
    let known = [refunded(500)];
    for (record, needs) in [
        (record(refunded(500)), false),
        (record(refunded(499)), false),
        (record(refunded(501)), true),
        (reconciled(500), false),
        (reconciled(499), true),
        (reconciled(501), true),
        (Observation { origin: Origin::Acceptance, ..record(refunded(501)) }, false),
    ] {
        assert_eq!(needs_refunds(known.iter(), &record), needs, "{record:?}");
        assert!(!needs_refunds([].iter(), &record), "a payment that is new has none");
    }
    assert!(needs_refunds([refunded(500), refunded(500)].iter(), &record(refunded(500))), "two rows are merged");
    let detail = RefundDetail::bare(Amount::from_cents(500));
    let reported = vec![ReportedRefund { refund: None, detail }];
    assert!(needs_refunds(known.iter(), &Observation { reported, ..record(refunded(500)) }));
}

#[test]
fn a_check_that_refuses_is_noted_with_the_event_and_one_that_panics_has_not_agreed() {
    let decision = refusing().decide(Vec::new(), &record(seen(Status::Completed)));
    let rejections: Vec<_> = decision.events.iter().map(|(event, _)| event.rejection.clone()).collect();
    assert_eq!(rejections, [Some("withdrawn".to_owned())]);
    let panicking: Check = Arc::new(|_: &Transaction| panic!("a check that panics"));
    let policy = Policy { checks: vec![panicking], ..Policy::default() };
    let decision = policy.decide(Vec::new(), &record(seen(Status::Completed)));
    assert_eq!(decision.events[0].0.rejection.as_deref(), Some("a check panicked"));
    let agreeing = Policy { checks: vec![Arc::new(|_: &Transaction| Ok(()))], ..Policy::default() };
    let decision = agreeing.decide(Vec::new(), &record(seen(Status::Completed)));
    assert_eq!((decision.events.len(), decision.events[0].0.rejection()), (1, None));
}

#[test]
fn a_payment_opened_elsewhere_fires_nothing_where_only_ours_do_and_fires_once_it_is_ours() {
    let policy = Policy { scope: SignalScope::OpenedHere, ..Policy::default() };
    let decision = policy.decide(Vec::new(), &record(seen(Status::Completed)));
    assert_eq!((transitions(&decision), decision.write), (Vec::new(), Write::Insert));
    let ours = Transaction { expected_total: Some(Amount::from_cents(2500)), ..seen(Status::Open) };
    let decision = policy.decide(vec![stored(decision.transaction)], &record(ours));
    // The opening is behind the completion: the next answer of the provider fires it.
    let row = stored(decision.transaction);
    let decision = policy.decide(vec![row], &record(seen(Status::Completed)));
    assert_eq!(transitions(&decision), [Transition::Completed]);
}

#[test]
fn what_was_seen_again_is_not_written() {
    let policy = Policy::default();
    let known = seen(Status::Completed);
    let mut row = stored(known.clone());
    row.fired = [Transition::Completed.key()].into_iter().collect();
    let decision = policy.decide(vec![row.clone()], &record(known.clone()));
    assert_eq!((decision.write, decision.poll, transitions(&decision)), (Write::Nothing, PollPlan::Keep, Vec::new()));
    let changed = Transaction { fee: Amount::from_cents(60), ..known };
    let decision = policy.decide(vec![row], &record(changed));
    assert_eq!((decision.write, decision.merged), (Write::Update, None));
}

#[test]
fn of_two_rows_the_one_with_the_ecommerce_id_stays_and_what_either_has_fired_is_not_fired_again() {
    let ecommerce_id = "5d0c2f3a-9b1e-11ef-8a6b-0242ac120001".parse().unwrap();
    let mut by_reference = stored(seen(Status::Completed));
    by_reference.fired = [Transition::Completed.key()].into_iter().collect();
    let opened = Transaction { ecommerce_id: Some(ecommerce_id), reference_number: None, ..seen(Status::Open) };
    let (kept, gone) = (opened.id, by_reference.transaction.id);
    let both = Transaction { ecommerce_id: Some(ecommerce_id), ..seen(Status::Completed) };
    let decision = Policy::default().decide(vec![by_reference, stored(opened)], &record(both));
    assert_eq!((decision.transaction.id, decision.merged), (kept, Some(gone)));
    assert_eq!((transitions(&decision), decision.transaction.status), (Vec::new(), Status::Completed));
}

#[test]
fn one_reference_number_cannot_belong_to_two_ecommerce_ids() {
    let ecommerce_id = |n: u8| format!("5d0c2f3a-9b1e-11ef-8a6b-0242ac12000{n}").parse().unwrap();
    let known = Transaction { ecommerce_id: Some(ecommerce_id(1)), ..seen(Status::Completed) };
    let other = Transaction { ecommerce_id: Some(ecommerce_id(2)), ..seen(Status::Completed) };
    let decision = Policy::default().decide(vec![stored(known)], &record(other));
    assert_eq!((decision.write, decision.transaction.reference_number()), (Write::Insert, None));
    assert!(decision.transaction.problem().is_some_and(|problem| problem.contains(REFERENCE)));
    assert_eq!(transitions(&decision), [Transition::Completed]);
}

#[test]
fn what_a_check_refuses_is_authorized_by_the_program_alone() {
    let approved = || {
        let payment = Transaction { ecommerce_id: Some(Uuid::nil().into()), ..seen(Status::Confirmed) };
        let auth_token = Some(secrecy::SecretString::from("secret"));
        LockedPayment { transaction: payment, auth_token, intents: Vec::new(), refunds: RefundLedger::default() }
    };
    let now = Timestamp::UNIX_EPOCH;
    let begin = |policy: &Policy, operation, initiator, locked: LockedPayment| {
        let (transaction, kind) = (locked.transaction.id, AttemptKind::First);
        let begin = BeginOperation {
            transaction,
            operation,
            kind,
            initiator,
            amount: None,
            requested_at: now,
            now,
            ends_at: now,
        };
        policy.begin(&begin, now, Some(locked))
    };
    let refused = begin(&refusing(), Operation::Authorize, Initiator::Schedule, approved());
    assert!(
        matches!(refused, Err(BeginError::Rejected { reason, status: Status::Confirmed }) if reason == "withdrawn")
    );
    assert!(begin(&refusing(), Operation::Authorize, Initiator::Program, approved()).is_ok());
    assert!(begin(&refusing(), Operation::Cancel, Initiator::Schedule, approved()).is_ok());
    assert!(begin(&Policy::default(), Operation::Authorize, Initiator::Schedule, approved()).is_ok());
    let mut ended = approved();
    ended.transaction.status = Status::Cancelled;
    let ended = begin(&refusing(), Operation::Authorize, Initiator::Schedule, ended);
    assert!(matches!(ended, Err(BeginError::Ended(_))));
}

#[test]
fn a_payment_that_was_opened_here_is_polled_until_it_is_final() {
    let policy = Policy { polls: PollSchedule::Observe, ..Policy::default() };
    let opened = |status| Transaction {
        ecommerce_id: Some(Uuid::nil().into()),
        deadline: Some(Timestamp::UNIX_EPOCH),
        ..seen(status)
    };
    let first = policy.decide(Vec::new(), &record(opened(Status::Open)));
    assert!(matches!(first.poll, PollPlan::In(_, PollLane::Payment)), "{:?}", first.poll);
    let row = stored(first.transaction);
    let again = policy.decide(vec![row.clone()], &record(row.transaction.clone()));
    assert_eq!((again.write, again.poll), (Write::Nothing, PollPlan::Keep));
    let ended = policy.decide(vec![row], &record(opened(Status::Cancelled)));
    assert_eq!((ended.write, ended.poll), (Write::Update, PollPlan::End));
}

#[test]
fn reconciliation_alone_counts_recorded_refunds_again_and_lowers_the_refunded_amount() {
    let refunded = |cents| Transaction { refunded_amount: Amount::from_cents(cents), ..seen(Status::Completed) };
    let reconciled = |cents| Observation { origin: Origin::Reconciliation, ..record(refunded(cents)) };
    let policy = Policy::default();
    let recorded = policy.decide(Vec::new(), &record(refunded(500)));
    assert_eq!(recorded.refunds.len(), 1);
    let fired = transitions(&recorded).iter().map(Transition::key).collect();
    // As a row that was repaired by hand: its refund is recorded, its sum isn't.
    let row = Stored { transaction: refunded(0), fired, refunds: recorded.refunds.into_iter().collect() };
    let reconciled_row = policy.decide(vec![row.clone()], &reconciled(0));
    assert_eq!(reconciled_row.transaction.refunded_amount, Amount::from_cents(500));
    assert_eq!((transitions(&reconciled_row), reconciled_row.refunds.len()), (Vec::new(), 0));
    let looked_up = policy.decide(vec![row], &record(refunded(0)));
    assert_eq!(looked_up.transaction.refunded_amount, Amount::ZERO);

    let later = |observation: Observation| {
        let updated_at = Timestamp::MAX;
        Observation { observed: Transaction { updated_at, ..observation.observed }, ..observation }
    };
    let mut row = stored(refunded(900));
    row.fired = [Transition::Completed.key()].into_iter().collect();
    let lowered = policy.decide(vec![row.clone()], &later(reconciled(500)));
    assert_eq!(lowered.transaction.refunded_amount, Amount::from_cents(500));
    let kept = policy.decide(vec![row], &later(record(refunded(500))));
    assert_eq!(kept.transaction.refunded_amount, Amount::from_cents(900));
}

fn paid_by(name: Option<&str>) -> Transaction {
    let named = |name: &str| Customer { name: Some(name.to_owned()), phone: None, email: None, message: None };
    Transaction { customer: name.map(named), ..seen(Status::Completed) }
}

#[test]
fn deliveries_that_wait_are_released_when_the_customer_becomes_known_and_by_a_merge() {
    let releases = |rows: Vec<Transaction>, observed: Transaction| {
        let rows = rows.into_iter().map(stored).collect();
        Policy::default().decide(rows, &record(observed)).releases_waiting
    };
    assert!(releases(vec![paid_by(None)], paid_by(Some("Ana"))));
    assert!(!releases(vec![paid_by(Some("Ana"))], paid_by(Some("Ana"))), "known before");
    assert!(!releases(vec![paid_by(None)], paid_by(None)), "unknown still");
    let ecommerce_id = Some(Uuid::nil().into());
    let with_ecommerce_id = |payment| Transaction { ecommerce_id, ..payment };
    let opened = |name| Transaction { reference_number: None, ..with_ecommerce_id(paid_by(name)) };
    let merged = |name| releases(vec![opened(name), paid_by(None)], with_ecommerce_id(paid_by(None)));
    assert!(merged(Some("Ana")), "the other row's deliveries may wait");
    assert!(!merged(None));
}

#[test]
fn an_event_has_a_delivery_for_each_receiver_of_its_signals_and_that_of_a_customer_waits_for_one() {
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("ship", [Signal::Completed], |_| ()).unwrap();
    dispatcher.connect(ReceiverOptions::new("thank").wait_for_customer(), [Signal::Completed], |_| ()).unwrap();
    dispatcher.connect("release", [Signal::Cancelled], |_| ()).unwrap();
    let policy = Policy { registry: dispatcher.snapshot(), ..Policy::default() };
    let planned = |name| {
        let decision = policy.decide(Vec::new(), &record(paid_by(name)));
        let deliveries = decision.events.into_iter().flat_map(|(_, deliveries)| deliveries);
        deliveries.map(|planned| (planned.receiver, planned.waits_for_customer)).collect::<Vec<_>>()
    };
    assert_eq!(planned(None), [("ship".to_owned(), false), ("thank".to_owned(), true)]);
    assert_eq!(planned(Some("Ana")), [("ship".to_owned(), false), ("thank".to_owned(), false)]);
}

#[test]
fn a_negative_total_is_a_problem_and_fires_nothing_except_as_a_refund() {
    let negative = |kind| Transaction { kind, total: Amount::from_cents(-2500), ..seen(Status::Completed) };
    let decide = |kind| Policy::default().decide(Vec::new(), &record(negative(kind)));
    let decision = decide(TransactionKind::Payment);
    assert_eq!(decision.transaction.problem(), Some(NEGATIVE));
    assert_eq!(decision.events[0].0.rejection(), Some(NEGATIVE));
    assert_eq!(decide(TransactionKind::Refund).transaction.problem(), None);
    let free = Transaction { total: Amount::ZERO, ..negative(TransactionKind::Payment) };
    assert_eq!(Policy::default().decide(Vec::new(), &record(free)).transaction.problem(), None);
    let noted = Transaction { problem: Some("seen before".to_owned()), ..negative(TransactionKind::Payment) };
    let decision = Policy::default().decide(vec![stored(noted.clone())], &record(noted));
    assert_eq!(decision.transaction.problem(), Some("seen before"), "the first one stays");
}
