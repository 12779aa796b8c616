//! Whose payments fire signals.

use athm_core::ids::EcommerceId;
use athm_core::{Amount, MessageResult, NewPayment, Status};
use athm_simulator::SimulatedPayment;
use serde_json::json;

use crate::SimulatorFixture;

/// A payment that a stranger opened with the page's public token, and cancelled, with an order's metadata.
fn cancelled_by_a_stranger(fixture: &SimulatorFixture) -> EcommerceId {
    let stranger = SimulatedPayment::new(Amount::from_cents(100)).status(Status::Cancelled).metadata_1("order-7");
    fixture.simulator.insert(stranger)
}

#[tokio::test]
async fn a_strangers_cancelled_payment_with_an_orders_metadata_is_not_ours() {
    let fixture = SimulatorFixture::open().await;
    let ours = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = cancelled_by_a_stranger(&fixture);
    fixture.callback(json!({ "ecommerceId": id, "status": "CANCEL" })).await;
    assert_eq!(fixture.noted().await, ["received by callback", "cancelled by callback"]);
    let theirs = fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
    assert_eq!((theirs.metadata_1(), theirs.is_ours(), ours.is_ours()), ("order-7", false, true));
    assert_eq!((theirs.expected_total(), theirs.is_mismatch()), (None, false));
}

#[tokio::test]
async fn only_payments_opened_here_fire_signals_if_the_program_says_so() {
    let fixture = SimulatorFixture::open_with(|builder| builder.only_payments_opened_here()).await;
    let ours = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = cancelled_by_a_stranger(&fixture);
    assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "CANCEL" })).await, MessageResult::Known);
    let theirs = fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
    assert_eq!(theirs.status(), &Status::Cancelled);
    assert_eq!(fixture.athm.events(theirs.id()).await.unwrap(), []);
    assert_eq!(fixture.noted().await, Vec::<String>::new());

    fixture.simulator.approve(ours.ecommerce_id().unwrap()).unwrap();
    fixture.athm.authorize(ours.id()).await.unwrap();
    assert_eq!(fixture.noted().await, ["received by authorize", "completed by authorize"]);
}

/// The events of 2020 name a payment by its reference number alone, under which nothing says that it is ours.
#[tokio::test]
async fn a_payment_of_ours_that_was_first_reported_by_its_reference_fires_once_it_is_known_as_ours() {
    let fixture = SimulatorFixture::open_with(|builder| builder.only_payments_opened_here()).await;
    let ours = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *ours.ecommerce_id().unwrap();
    let paid = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed).metadata_1("order-7");
    fixture.simulator.insert(paid.ecommerce_id(id));
    let reference = fixture.simulator.payment(&id).unwrap().reference_number.unwrap();
    let event = json!({ "transactionType": "ecommerce", "status": "completed", "referenceNumber": reference });
    assert_eq!(fixture.webhook(event).await, MessageResult::Known);
    assert_eq!(fixture.noted().await, Vec::<String>::new());
    assert_eq!(fixture.callback(json!({ "ecommerceId": id })).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await, ["received by callback", "completed by callback"]);
    let merged = fixture.athm.transaction_by_reference(&reference).await.unwrap().unwrap();
    assert_eq!(merged.id(), ours.id());
}
