//! Checkouts: one payment at a time, authorized when its customer approves, with or without a page.

use std::time::Duration;

use athm_core::checkouts::{Checkout, CheckoutError, CheckoutId, CheckoutState, Language, NewCheckout, PayCheckout};
use athm_core::ids::EcommerceId;
use athm_core::problems::ProblemKind;
use athm_core::testing::BuilderExt as _;
use athm_core::{Amount, Athm, Item, NewRefund, PhoneNumber, Status};
use athm_simulator::{Effect, Endpoint, Fault, Simulator, TestPhone};
use athm_tests::{advance_until, completed_payment};
use futures_util::future::join_all;
use serde_json::json;

use crate::SimulatorFixture;

const PHONE: &str = "787-555-0199";

async fn open() -> SimulatorFixture {
    SimulatorFixture::open_with_sweeper(|builder| builder.seed(7)).await
}

fn order() -> NewCheckout {
    NewCheckout::new(Amount::from_cents(2500), "order-7")
        .tax(Amount::from_cents(258))
        .item(Item::new("Mug", Amount::from_cents(1121)).quantity(2))
}

fn by(phone: &str) -> PayCheckout {
    PayCheckout::new(phone.parse().unwrap())
}

async fn offer(fixture: &SimulatorFixture) -> CheckoutId {
    fixture.athm.checkout(order()).await.unwrap().id()
}

async fn pay(fixture: &SimulatorFixture, id: CheckoutId) -> Checkout {
    fixture.athm.checkouts().pay(id, by(PHONE)).await.unwrap()
}

async fn find(fixture: &SimulatorFixture, id: CheckoutId) -> Checkout {
    fixture.athm.checkouts().find(id).await.unwrap().unwrap()
}

fn ticket(checkout: &Checkout) -> EcommerceId {
    *checkout.payment().unwrap().ecommerce_id().unwrap()
}

/// Lets time pass, on both sides, until the checkout is in that state.
async fn until(fixture: &SimulatorFixture, id: CheckoutId, state: &str) {
    advance_until(&fixture.clock, async || find(fixture, id).await.state().as_str() == state).await;
}

#[tokio::test]
async fn a_checkout_is_stored_as_it_was_offered_and_asks_nothing_of_the_provider() {
    let fixture = open().await;
    let new = order().language(Language::Spanish).return_url("/orders/7").idempotency_key("order-7");
    let offered = fixture.athm.checkout(new.clone()).await.unwrap();
    let found = find(&fixture, offered.id()).await;
    assert_eq!((found.state(), found.total(), found.tax()), (CheckoutState::Ready, offered.total(), offered.tax()));
    assert_eq!((found.items(), found.metadata_1()), (offered.items(), "order-7"));
    assert_eq!((found.language(), found.return_url()), (Some(Language::Spanish), Some("/orders/7")));
    assert!(fixture.simulator.requests().is_empty());

    // The same key and content is the same checkout; another content isn't.
    assert_eq!(fixture.athm.checkout(new.clone()).await.unwrap().id(), offered.id());
    let other = fixture.athm.checkout(new.item(Item::new("Mug", Amount::from_cents(1)))).await;
    assert!(matches!(other, Err(CheckoutError::KeyTaken)), "{other:?}");
    assert_ne!(offer(&fixture).await, offer(&fixture).await);
}

#[tokio::test]
async fn an_approved_checkout_is_paid_within_two_seconds_without_any_page() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let waiting = pay(&fixture, id).await;
    let deadline = fixture.clock.now() + Duration::from_secs(600);
    assert_eq!((waiting.state(), waiting.phone_ending()), (CheckoutState::Waiting { deadline }, Some("0199")));
    let asked = fixture.simulator.payment(&ticket(&waiting)).unwrap();
    assert_eq!((asked.total, asked.customer.phone.as_deref()), (Amount::from_cents(2500), Some("7875550199")));

    fixture.clock.advance(Duration::from_secs(30));
    fixture.simulator.approve(&ticket(&waiting)).unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
    let paid = find(&fixture, id).await;
    assert_eq!((paid.state(), paid.payment().unwrap().status()), (CheckoutState::Completed, &Status::Completed));
    assert_eq!((fixture.request_count("/payment"), fixture.request_count("/authorization")), (1, 1));
    // It is paid: nothing more is opened.
    assert_eq!(pay(&fixture, id).await.state(), CheckoutState::Completed);
    assert_eq!(fixture.request_count("/payment"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clicks_at_once_open_one_payment() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let checkouts = fixture.athm.checkouts();
    let clicks = join_all((0..8).map(|_| checkouts.pay(id, by(PHONE).known_attempts(0)))).await;
    assert!(clicks.iter().all(|checkout| checkout.as_ref().unwrap().state().as_str() == "waiting"));
    assert_eq!((fixture.request_count("/payment"), find(&fixture, id).await.attempts()), (1, 1));
}

#[tokio::test]
async fn a_declined_checkout_is_tried_again_under_the_same_address_and_an_old_form_opens_nothing() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let first = ticket(&pay(&fixture, id).await);
    fixture.simulator.decline(&first).unwrap();
    until(&fixture, id, "cancelled").await;
    let stale = fixture.athm.checkouts().pay(id, by(PHONE).known_attempts(0)).await.unwrap();
    assert_eq!((stale.state(), fixture.request_count("/payment")), (CheckoutState::Cancelled, 1));

    let again = fixture.athm.checkouts().pay(id, by(PHONE).known_attempts(1)).await.unwrap();
    assert_ne!(ticket(&again), first);
    fixture.simulator.approve(&ticket(&again)).unwrap();
    until(&fixture, id, "completed").await;
    assert_eq!(find(&fixture, id).await.surplus_payments().count(), 0);
}

#[tokio::test]
async fn a_checkout_that_is_not_approved_expires_and_may_be_paid_again() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    pay(&fixture, id).await;
    fixture.simulator.skip(Duration::from_secs(600));
    fixture.clock.advance(Duration::from_secs(600));
    until(&fixture, id, "expired").await;
    assert_eq!(pay(&fixture, id).await.state().as_str(), "waiting");
}

#[tokio::test]
async fn a_wrong_number_is_corrected_on_the_open_payment() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let opened = ticket(&pay(&fixture, id).await);
    let other: PhoneNumber = "787-555-0123".parse().unwrap();
    let corrected = fixture.athm.checkouts().update_phone(id, other, None).await.unwrap();
    assert_eq!((ticket(&corrected), corrected.phone_ending()), (opened, Some("0123")));
    assert_eq!(fixture.simulator.payment(&opened).unwrap().customer.phone.as_deref(), Some("7875550123"));
}

#[tokio::test]
async fn what_a_customer_types_is_kept_and_shown_in_no_log() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let request = by(PHONE).email(" ines@example.com ");
    let shown = format!("{request:?}");
    let paid = fixture.athm.checkouts().pay(id, request).await.unwrap();
    assert_eq!(paid.email(), Some("ines@example.com"));
    for shown in [shown, format!("{paid:?}")] {
        assert!(!shown.contains("ines") && !shown.contains("5550199") && !shown.contains(paid.form_token()), "{shown}");
    }
}

#[tokio::test]
async fn a_phone_is_asked_five_times_an_hour_whatever_the_checkout() {
    let fixture = open().await;
    for _ in 0..5 {
        pay(&fixture, offer(&fixture).await).await;
    }
    let sixth = offer(&fixture).await;
    let refused = fixture.athm.checkouts().pay(sixth, by(PHONE)).await;
    assert!(matches!(refused, Err(CheckoutError::TooManyPushes)), "{refused:?}");
    // Nor by way of another phone's payment.
    fixture.athm.checkouts().pay(sixth, by("787-555-0100")).await.unwrap();
    let refused = fixture.athm.checkouts().update_phone(sixth, PHONE.parse().unwrap(), None).await;
    assert!(matches!(refused, Err(CheckoutError::TooManyPushes)), "{refused:?}");
    assert_eq!((fixture.request_count("/payment"), fixture.request_count("/updatePhoneNumber")), (6, 0));
    fixture.clock.advance(Duration::from_secs(60 * 60));
    pay(&fixture, offer(&fixture).await).await;
}

#[tokio::test]
async fn requests_for_a_checkout_are_limited_and_those_of_an_address() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    for _ in 0..10 {
        pay(&fixture, id).await;
    }
    let refused = fixture.athm.checkouts().pay(id, by(PHONE)).await;
    assert!(matches!(refused, Err(CheckoutError::TooManyRequests)), "{refused:?}");
    let address = "192.0.2.7".parse().unwrap();
    for _ in 0..20 {
        fixture.athm.checkouts().cancel(offer(&fixture).await, Some(address)).await.unwrap();
    }
    let refused = fixture.athm.checkouts().cancel(offer(&fixture).await, Some(address)).await;
    assert!(matches!(refused, Err(CheckoutError::TooManyRequests)), "{refused:?}");
}

#[tokio::test]
async fn a_waiting_checkout_is_paid_after_a_restart() {
    let mut fixture = open().await;
    let id = offer(&fixture).await;
    let opened = ticket(&pay(&fixture, id).await);
    fixture.stop().await;
    fixture.simulator.approve(&opened).unwrap();
    fixture.restart().await;
    until(&fixture, id, "completed").await;
    assert_eq!(fixture.request_count("/authorization"), 1);
}

#[tokio::test]
async fn the_providers_refusal_is_put_in_both_languages_and_may_be_tried_again() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let failed = fixture.athm.checkouts().pay(id, by(TestPhone::Blocked.number())).await.unwrap();
    assert_eq!(failed.state(), CheckoutState::Failed);
    assert!(failed.failure(Language::English).unwrap().contains("your bank"));
    assert!(failed.failure(Language::Spanish).unwrap().contains("tu institución financiera"));
    // The answer is lost: no money can move for what has no name.
    fixture.simulator.fail_next(Endpoint::Create, Fault::BadGateway(Effect::Done));
    let failed = pay(&fixture, id).await;
    assert_eq!(failed.state(), CheckoutState::Failed);
    assert!(failed.failure(Language::English).unwrap().contains("try again"));
    assert_eq!(pay(&fixture, id).await.state().as_str(), "waiting");
}

#[tokio::test]
async fn a_refused_authorization_fails_the_checkout_with_its_reason() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let waiting = fixture.athm.checkouts().pay(id, by(TestPhone::OverLimit.number())).await.unwrap();
    fixture.simulator.approve(&ticket(&waiting)).unwrap();
    until(&fixture, id, "failed").await;
    let failed = find(&fixture, id).await;
    assert!(failed.failure(Language::English).unwrap().contains("limits"), "{failed:?}");
}

#[tokio::test]
async fn a_checkout_is_cancelled_before_it_is_paid_and_never_after() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let checkouts = fixture.athm.checkouts();
    assert_eq!(checkouts.cancel(id, None).await.unwrap().state(), CheckoutState::Cancelled);
    let waiting = pay(&fixture, id).await;
    assert_eq!(checkouts.cancel(id, None).await.unwrap().state(), CheckoutState::Cancelled);
    assert_eq!(fixture.simulator.payment(&ticket(&waiting)).unwrap().status, Status::Cancelled);

    let again = pay(&fixture, id).await;
    fixture.simulator.approve(&ticket(&again)).unwrap();
    until(&fixture, id, "completed").await;
    assert_eq!(checkouts.cancel(id, None).await.unwrap().state(), CheckoutState::Completed);
}

#[tokio::test]
async fn a_checkout_that_is_paid_twice_is_a_problem_until_one_payment_is_refunded() {
    let fixture = open().await;
    let id = offer(&fixture).await;
    let first = ticket(&pay(&fixture, id).await);
    fixture.simulator.decline(&first).unwrap();
    until(&fixture, id, "cancelled").await;
    let second = ticket(&pay(&fixture, id).await);
    fixture.simulator.approve(&second).unwrap();
    until(&fixture, id, "completed").await;
    // The provider has the last word, whatever it answered before.
    fixture.simulator.insert(completed_payment().ecommerce_id(first));
    fixture.webhook(json!({ "ecommerceId": first, "status": "COMPLETED" })).await;

    let paid = find(&fixture, id).await;
    let surplus: Vec<_> = paid.surplus_payments().map(|payment| payment.id()).collect();
    let listed = fixture.athm.problems().list(None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].kind), (1, ProblemKind::SurplusPayment));
    assert_eq!((surplus.len(), listed[0].transaction_id), (1, Some(surplus[0])));
    fixture.athm.refund(surplus[0], NewRefund::full()).await.unwrap();
    assert_eq!(fixture.athm.problems().list(None, 10).await.unwrap(), []);
}

/// Opens that many payments, each on a phone of its own: the oldest first.
async fn opened(athm: &Athm, count: usize) -> Vec<EcommerceId> {
    let mut tickets = Vec::new();
    for n in 0..count {
        let id = athm.checkout(order()).await.unwrap().id();
        tickets.push(ticket(&athm.checkouts().pay(id, by(&format!("787555{n:04}"))).await.unwrap()));
    }
    tickets
}

fn count_paid(simulator: &Simulator, tickets: &[EcommerceId]) -> usize {
    let is_paid = |ticket: &&EcommerceId| simulator.payment(ticket).unwrap().status == Status::Completed;
    tickets.iter().filter(is_paid).count()
}

#[tokio::test]
async fn while_twenty_wait_approvals_are_authorized_within_a_second() {
    let fixture = open().await;
    let tickets = opened(&fixture.athm, 20).await;
    for second in 1..=5 {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.athm.idle().await;
        assert_eq!(fixture.request_count("/findPayment"), 20 * second);
    }
    tickets.iter().for_each(|ticket| fixture.simulator.approve(ticket).unwrap());
    fixture.clock.advance(Duration::from_secs(1));
    fixture.athm.idle().await;
    assert_eq!((count_paid(&fixture.simulator, &tickets), fixture.request_count("/authorization")), (20, 20));
}

#[tokio::test]
async fn sixty_that_wait_share_twenty_questions_a_second() {
    let fixture = open().await;
    let tickets = opened(&fixture.athm, 60).await;
    for seconds in [3, 6, 9] {
        for _ in 0..3 {
            fixture.clock.advance(Duration::from_secs(1));
            fixture.athm.idle().await;
        }
        assert_eq!(fixture.request_count("/findPayment"), 20 * seconds);
    }
    // The oldest, which are asked about last, right after they were.
    let oldest = &tickets[..10];
    oldest.iter().for_each(|ticket| fixture.simulator.approve(ticket).unwrap());
    let mut seconds = 0;
    while count_paid(&fixture.simulator, oldest) < 10 {
        assert!(seconds < 3, "{} are paid", count_paid(&fixture.simulator, oldest));
        fixture.clock.advance(Duration::from_secs(1));
        fixture.athm.idle().await;
        seconds += 1;
    }
    assert_eq!((fixture.request_count("/authorization"), count_paid(&fixture.simulator, &tickets)), (10, 10));
}

#[tokio::test]
async fn a_slow_authorization_holds_up_no_other() {
    let fixture = open().await;
    let tickets = opened(&fixture.athm, 3).await;
    fixture.simulator.fail_next(Endpoint::Authorize, Fault::Timeout(Effect::Absent));
    fixture.simulator.approve(&tickets[2]).unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    fixture.eventually(|| fixture.simulator.requests().iter().any(|one| one.path.ends_with("/authorization"))).await;
    tickets[..2].iter().for_each(|ticket| fixture.simulator.approve(ticket).unwrap());
    fixture.clock.advance(Duration::from_secs(1));
    fixture.eventually(|| count_paid(&fixture.simulator, &tickets) == 2).await;
}

#[tokio::test]
async fn an_unknown_id_is_refused() {
    let fixture = open().await;
    let guessed: CheckoutId = "00000000000000000000000000000007".parse().unwrap();
    assert!(fixture.athm.checkouts().find(guessed).await.unwrap().is_none());
    let refused = fixture.athm.checkouts().pay(guessed, by(PHONE)).await;
    assert!(matches!(refused, Err(CheckoutError::Unknown)), "{refused:?}");
    assert!(matches!(fixture.athm.checkouts().cancel(guessed, None).await, Err(CheckoutError::Unknown)));
}
