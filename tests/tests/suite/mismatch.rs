//! Payments whose total isn't the one that they were opened with, and payments that a check refuses.

use athm_core::errors::OperationError;
use athm_core::transactions::Transition;
use athm_core::{Amount, NewPayment, Rejection, Status, Transaction};
use athm_simulator::{Endpoint, Fault};
use athm_tests::{advance_until, eventually};
use serde_json::json;

use crate::SimulatorFixture;

const PRICE: Amount = Amount::from_cents(2500);
const DOLLAR: Amount = Amount::from_cents(100);

async fn open(fixture: &SimulatorFixture) -> Transaction {
    fixture.athm.create(NewPayment::new(PRICE, "order-7")).await.unwrap()
}

async fn recorded(fixture: &SimulatorFixture, payment: &Transaction) -> Transaction {
    fixture.athm.transaction(payment.id()).await.unwrap().unwrap()
}

/// Waits until the sweeper has recorded that the customer approved.
async fn polled(fixture: &SimulatorFixture, payment: &Transaction) {
    advance_until(&fixture.clock, async || fixture.request_count("/findPayment") > 0).await;
    eventually(async || recorded(fixture, payment).await.status() == &Status::Confirmed).await;
}

async fn transitions(fixture: &SimulatorFixture, payment: &Transaction) -> Vec<Transition> {
    let events = fixture.athm.events(payment.id()).await.unwrap();
    events.iter().map(|event| event.transition().clone()).collect()
}

/// Approved by the customer, with another total at the provider.
async fn approved_for_a_dollar(fixture: &SimulatorFixture) -> Transaction {
    fixture.simulator.fail_next(Endpoint::Create, Fault::Total(DOLLAR));
    let open = open(fixture).await;
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    open
}

#[tokio::test]
async fn a_payment_completed_with_another_total_fires_received_and_completes_when_that_is_accepted() {
    let fixture = SimulatorFixture::open().await;
    let open = open(&fixture).await;
    assert_eq!((open.is_ours(), open.expected_total(), open.is_mismatch()), (true, Some(PRICE), false));
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    fixture.simulator.fail_next(Endpoint::Authorize, Fault::Total(DOLLAR));
    let error = fixture.athm.authorize(open.id()).await.unwrap_err();
    assert!(matches!(error, OperationError::Mismatch { expected: PRICE, total: DOLLAR, .. }), "{error:?}");
    let paid = recorded(&fixture, &open).await;
    assert_eq!((paid.status(), paid.total(), paid.expected_total()), (&Status::Completed, DOLLAR, Some(PRICE)));
    assert_eq!(transitions(&fixture, &open).await, [Transition::Mismatched]);
    assert_eq!(fixture.noted().await, ["received by authorize"]);
    // Asked again, it says the same.
    assert!(matches!(fixture.athm.authorize(open.id()).await, Err(OperationError::Mismatch { .. })));

    let accepted = fixture.athm.accept_mismatch(open.id()).await.unwrap();
    assert!(!accepted.is_mismatch());
    let noted = fixture.noted().await;
    assert_eq!(noted[1..], ["received by accept", "completed by accept"]);
    // Once.
    fixture.athm.accept_mismatch(open.id()).await.unwrap();
    fixture.webhook(json!({ "ecommerceId": open.ecommerce_id(), "status": "COMPLETED" })).await;
    assert_eq!(fixture.noted().await, noted);
    assert_eq!(fixture.athm.authorize(open.id()).await.unwrap().total(), DOLLAR);
}

#[tokio::test]
async fn what_was_approved_with_another_total_is_not_authorized_before_that_is_accepted() {
    let fixture = SimulatorFixture::open_with_sweeper(|builder| builder.authorize_confirmed()).await;
    let open = approved_for_a_dollar(&fixture).await;
    polled(&fixture, &open).await;
    assert!(recorded(&fixture, &open).await.is_mismatch());
    let by_hand = fixture.athm.authorize(open.id()).await.unwrap_err();
    assert!(matches!(by_hand, OperationError::Mismatch { .. }), "{by_hand:?}");
    assert_eq!(fixture.request_count("/authorization"), 0);

    fixture.athm.accept_mismatch(open.id()).await.unwrap();
    advance_until(&fixture.clock, async || fixture.recorder.noted().len() == 2).await;
    assert_eq!(fixture.noted().await, ["received by authorize", "completed by authorize"]);
}

#[tokio::test]
async fn what_a_check_refuses_is_not_authorized_on_a_schedule_and_says_so_when_the_program_does() {
    let fixture = SimulatorFixture::open_with_sweeper(|builder| {
        let builder = builder.authorize_confirmed();
        builder.check(|payment| match payment.metadata_1() {
            "order-7" => Err(Rejection::new("order 7 is withdrawn")),
            _ => Ok(()),
        })
    })
    .await;
    let open = open(&fixture).await;
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    polled(&fixture, &open).await;
    assert_eq!(fixture.request_count("/authorization"), 0);

    // The program itself moves the money: the error must say that no receiver runs.
    for _ in 0..2 {
        let error = fixture.athm.authorize(open.id()).await.unwrap_err();
        assert!(
            matches!(&error, OperationError::Rejected { status: Status::Completed, reason, .. }
                if reason == "order 7 is withdrawn"),
            "{error:?}"
        );
    }
    assert_eq!(fixture.request_count("/authorization"), 1);
    assert_eq!(fixture.noted().await, Vec::<String>::new());
}
