use athm_core::Amount;

use super::*;

fn ledger() -> Ledger {
    Ledger::new(Business::default(), Clock::default(), Rng::with_seed(7))
}

fn payment(cents: i64) -> SimulatedPayment {
    SimulatedPayment::new(Amount::from_cents(cents))
}

fn status(ledger: &mut Ledger, id: &EcommerceId) -> Status {
    ledger.entry(id).unwrap().payment.status.clone()
}

#[test]
fn money_moves_only_when_an_approved_payment_is_authorized() {
    let mut ledger = ledger();
    let id = ledger.insert(payment(2500));
    assert!(ledger.authorize(&id, Effect::Done).is_err());
    ledger.approve(&id).unwrap();
    assert_eq!(ledger.entry(&id).unwrap().payment.reference_number, None);
    ledger.authorize(&id, Effect::Done).unwrap();

    let paid = &ledger.entry(&id).unwrap().payment;
    assert_eq!(paid.status, Status::Completed);
    assert_eq!(paid.fee, Some(Amount::from_cents(56)));
    assert_eq!(paid.net_amount, Some(Amount::from_cents(2444)));
    assert_eq!(paid.daily_transaction_id.as_deref(), Some("0001"));
    let (number, hex) = paid.reference_number.as_ref().unwrap().as_str().split_once('-').unwrap();
    assert!(number.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(ledger.authorize(&id, Effect::Done).is_err());
    assert!(ledger.cancel(&id, Effect::Done).is_err());
}

#[test]
fn payments_expire_unless_they_are_completed() {
    let mut ledger = ledger();
    let open = ledger.insert(payment(100).timeout(Duration::from_secs(120)));
    let confirmed = ledger.insert(payment(100).status(Status::Confirmed));
    let completed = ledger.insert(payment(100).status(Status::Completed));
    ledger.skip(Duration::from_secs(121));
    assert_eq!(status(&mut ledger, &open), Status::Expired);
    assert_eq!(status(&mut ledger, &confirmed), Status::Confirmed);
    ledger.skip(Duration::from_secs(480));
    assert_eq!(status(&mut ledger, &confirmed), Status::Expired);
    assert_eq!(status(&mut ledger, &completed), Status::Completed);
    assert!(ledger.approve(&open).is_err());
}

#[test]
fn given_fields_are_kept() {
    let mut ledger = ledger();
    let fee = Amount::from_cents(1);
    let id = ledger.insert(payment(100).status(Status::Completed).fee(fee).daily_transaction_id("35"));
    let paid = &ledger.entry(&id).unwrap().payment;
    assert_eq!((paid.fee, paid.net_amount), (Some(fee), Some(Amount::from_cents(99))));
    assert_eq!(paid.daily_transaction_id.as_deref(), Some("35"));
}

#[test]
fn the_daily_number_counts_within_a_day_of_puerto_rico() {
    let mut ledger = ledger();
    let mut daily_id = |date: &str| {
        let id = ledger.insert(payment(100).status(Status::Completed).date(date.parse().unwrap()));
        ledger.entry(&id).unwrap().payment.daily_transaction_id.clone().unwrap()
    };
    assert_eq!(daily_id("2026-03-01T23:00:00Z"), "0001");
    assert_eq!(daily_id("2026-03-02T03:59:59Z"), "0002");
    assert_eq!(daily_id("2026-03-02T04:00:00Z"), "0001");
}

#[test]
fn every_change_raises_the_revision_and_reading_does_not() {
    let mut ledger = ledger();
    let id = ledger.insert(payment(100));
    let inserted = ledger.revision();
    ledger.entries();
    assert_eq!(ledger.revision(), inserted);
    ledger.approve(&id).unwrap();
    assert!(ledger.revision() > inserted);
}

#[test]
fn a_late_effect_is_done_before_it_is_visible() {
    let mut ledger = ledger();
    let id = ledger.insert(payment(2500).status(Status::Confirmed));
    ledger.authorize(&id, Effect::Late(Duration::from_secs(5))).unwrap();
    assert_eq!(status(&mut ledger, &id), Status::Completed);
    let shown = |ledger: &mut Ledger| ledger.visible(View::Find).next().unwrap().status.clone();
    assert_eq!(shown(&mut ledger), Status::Confirmed);
    ledger.skip(Duration::from_secs(5));
    assert_eq!(shown(&mut ledger), Status::Completed);

    ledger.open(payment(100), Effect::Late(Duration::from_secs(5)));
    assert_eq!(ledger.visible(View::Find).count(), 1);
    ledger.skip(Duration::from_secs(5));
    assert_eq!(ledger.visible(View::Find).count(), 2);
}

#[test]
fn a_request_without_effect_changes_nothing() {
    let mut ledger = ledger();
    assert_eq!(ledger.open(payment(100), Effect::Absent), None);
    let id = ledger.insert(payment(2500).status(Status::Confirmed));
    ledger.authorize(&id, Effect::Absent).unwrap();
    ledger.cancel(&id, Effect::Absent).unwrap();
    assert_eq!(status(&mut ledger, &id), Status::Confirmed);
    assert_eq!(ledger.take_changes(), []);
}

#[test]
fn the_same_seed_generates_the_same_ids() {
    let generated = || {
        let mut ledger = ledger();
        let id = ledger.open(payment(100).status(Status::Completed), Effect::Done).unwrap();
        let entry = ledger.entry(&id).unwrap();
        (id, entry.payment.reference_number.clone(), entry.auth_token.clone())
    };
    assert_eq!(generated(), generated());
}
