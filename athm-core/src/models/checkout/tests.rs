//! The state of a checkout, and what may begin in it.

use super::*;
use crate::models::PhoneNumber;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn payment(status: Status) -> Transaction {
    Transaction::builder(status, Amount::from_cents(2500)).build()
}

fn attempt(number: u32, payment: Option<Transaction>, is_opening: bool) -> CheckoutAttempt {
    CheckoutAttempt {
        id: uuid::Uuid::now_v7(),
        number,
        ecommerce_id: None,
        phone: Some("7875550199".parse().unwrap()),
        failure: None,
        opened_at: NOW,
        is_opening,
        payment,
    }
}

fn checkout(attempts: Vec<CheckoutAttempt>) -> Checkout {
    Checkout {
        id: CheckoutId::from_random([7; 16]),
        payment: NewPayment::new(Amount::from_cents(2500), "order-7"),
        language: None,
        return_url: None,
        form_token: SecretString::from("token"),
        email: None,
        cancelled_at: None,
        created_at: NOW,
        read_at: NOW,
        attempts,
    }
}

fn begin(known_attempts: Option<u32>, checkout: &Checkout, pushes: PushCounts) -> Result<u32, NotBegun> {
    let phone: PhoneNumber = "7875550199".parse().unwrap();
    let begin = BeginPayment {
        checkout: checkout.id,
        phone,
        email: None,
        known_attempts,
        limits: PushLimits::default(),
        at: NOW,
        now: NOW,
        ends_at: NOW,
    };
    begin.decide(Some(checkout), pushes).map(|started| started.number)
}

#[test]
fn the_state_follows_from_the_payments() {
    let deadline = later(NOW, Duration::from_secs(600));
    let of = |status| checkout(vec![attempt(1, Some(payment(status)), false)]).state();
    assert_eq!(checkout(Vec::new()).state(), CheckoutState::Ready);
    assert_eq!(of(Status::Open), CheckoutState::Waiting { deadline });
    assert_eq!(of(Status::Confirmed), CheckoutState::Waiting { deadline });
    assert_eq!(of(Status::Unknown("HELD".into())), CheckoutState::Waiting { deadline });
    assert_eq!(of(Status::Completed), CheckoutState::Completed);
    assert_eq!(of(Status::Cancelled), CheckoutState::Cancelled);
    assert_eq!(of(Status::Expired), CheckoutState::Expired);
    assert_eq!(checkout(vec![attempt(1, None, true)]).state(), CheckoutState::Waiting { deadline });
    assert_eq!(checkout(vec![attempt(1, None, false)]).state(), CheckoutState::Failed);
    // An old push that was approved late pays it all the same.
    let paid_late =
        vec![attempt(1, Some(payment(Status::Completed)), false), attempt(2, Some(payment(Status::Completed)), false)];
    let paid_twice = checkout(paid_late);
    assert_eq!((paid_twice.state(), paid_twice.surplus_payments().count()), (CheckoutState::Completed, 1));
}

#[test]
fn a_cancelled_checkout_is_cancelled_until_it_is_tried_again() {
    let cancelled = |attempts| Checkout { cancelled_at: Some(later(NOW, PushLimits::WINDOW)), ..checkout(attempts) };
    assert_eq!(cancelled(Vec::new()).state(), CheckoutState::Cancelled);
    assert_eq!(cancelled(vec![attempt(1, None, false)]).state(), CheckoutState::Cancelled);
    let again = CheckoutAttempt { opened_at: later(NOW, 2 * PushLimits::WINDOW), ..attempt(2, None, false) };
    assert_eq!(cancelled(vec![again]).state(), CheckoutState::Failed);
}

#[test]
fn one_payment_is_open_at_a_time() {
    let none = PushCounts::default();
    assert_eq!(begin(None, &checkout(Vec::new()), none), Ok(1));
    for status in [Status::Open, Status::Confirmed, Status::Completed, Status::Unknown("HELD".into())] {
        let taken = checkout(vec![attempt(1, Some(payment(status)), false)]);
        assert_eq!(begin(None, &taken, none), Err(NotBegun::NotNow));
    }
    assert_eq!(begin(None, &checkout(vec![attempt(1, None, true)]), none), Err(NotBegun::NotNow));
    let ended = checkout(vec![attempt(1, Some(payment(Status::Expired)), false)]);
    assert_eq!(begin(Some(1), &ended, none), Ok(2));
    // A form of before the first attempt is posted again.
    assert_eq!(begin(Some(0), &ended, none), Err(NotBegun::NotNow));
}

#[test]
fn a_phone_is_asked_five_times_an_hour_at_most() {
    let (ready, phone, checkouts) = (checkout(Vec::new()), 5, 10);
    let pushes = |of_phone, of_checkout| PushCounts { of_phone, of_checkout };
    assert_eq!(begin(None, &ready, pushes(phone - 1, checkouts - 1)), Ok(1));
    assert_eq!(begin(None, &ready, pushes(phone, 0)), Err(NotBegun::TooManyPushes));
    assert_eq!(begin(None, &ready, pushes(0, checkouts)), Err(NotBegun::TooManyPushes));
}

#[test]
fn a_form_token_is_compared_whole() {
    let checkout = checkout(Vec::new());
    assert!(checkout.is_form_token("token") && !checkout.is_form_token("toke") && !checkout.is_form_token(""));
    assert!(!format!("{checkout:?}").contains("\"token\""));
}
