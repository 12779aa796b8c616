//! Webhooks of every kind, in each shape that the provider sends.

use std::path::PathBuf;
use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::ids::{EcommerceId, ReferenceNumber};
use athm_core::provider::{InvalidRequest, ProviderError};
use athm_core::{Amount, MessageResult, NewPayment, Status, Transaction, TransactionKind};
use athm_simulator::{Outage, SimulatedPayment};
use athm_tests::{TestServer, ecommerce_id};
use serde_json::{Value, json};

use crate::SimulatorFixture;

const TOTAL: Amount = Amount::from_cents(3234);

/// An event as the provider posts it.
fn event(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/callbacks").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The payment that the events tell of, as the provider has it.
fn known_payment(status: Status) -> SimulatedPayment {
    let payment = SimulatedPayment::new(TOTAL).status(status).ecommerce_id(ecommerce_id(3));
    payment.metadata_1("orden-1042").metadata_2("recogido").customer_name("Marisol Vega")
}

fn reference() -> ReferenceNumber {
    "204417-3ac09e5fb81d".parse().unwrap()
}

/// The same payment, opened by us.
fn order() -> NewPayment {
    NewPayment::new(TOTAL, "orden-1042").metadata_2("recogido")
}

async fn open(fixture: &SimulatorFixture) -> (Transaction, EcommerceId) {
    let open = fixture.athm.create(order()).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    (open, id)
}

async fn status_of(fixture: &SimulatorFixture, open: &Transaction) -> Status {
    fixture.athm.transaction(open.id()).await.unwrap().unwrap().status().clone()
}

#[tokio::test]
async fn todays_events_carry_the_ecommerce_id_and_fire_what_the_provider_confirms() {
    for (name, status, fired) in [
        ("webhook_v4_completed.json", Status::Completed, ["received by webhook", "completed by webhook"]),
        ("webhook_v4_cancel.json", Status::Cancelled, ["received by webhook", "cancelled by webhook"]),
        ("webhook_v4_expired_as_plausible.json", Status::Cancelled, ["received by webhook", "expired by webhook"]),
    ] {
        let fixture = SimulatorFixture::open().await;
        fixture.simulator.insert(known_payment(status));
        assert_eq!(fixture.webhook(event(name)).await, MessageResult::Recorded, "{name}");
        assert_eq!(fixture.webhook(event(name)).await, MessageResult::Known, "{name}");
        assert_eq!(fixture.noted().await, fired, "{name}");
        assert_eq!(
            (fixture.request_count("/findPayment"), fixture.request_count("/searchTransaction")),
            (1, 0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_events_of_2020_are_searched_for_by_their_reference() {
    let twice = ["received by webhook", "completed by webhook"];
    for (name, kind, fired) in [
        ("webhook_2020_ecommerce_completed.json", TransactionKind::Ecommerce, &twice[..]),
        ("webhook_2020_payment.json", TransactionKind::Payment, &twice[..1]),
        ("webhook_2020_donation.json", TransactionKind::Donation, &twice[..1]),
    ] {
        let fixture = SimulatorFixture::open().await;
        assert_eq!(fixture.webhook(event(name)).await, MessageResult::Pending, "{name}: the search may lag");
        fixture.simulator.insert(known_payment(Status::Completed).kind(kind.clone()).reference_number(reference()));
        assert_eq!(fixture.webhook(event(name)).await, MessageResult::Recorded, "{name}");
        assert_eq!(fixture.webhook(event(name)).await, MessageResult::Known, "{name}");
        assert_eq!(fixture.noted().await, fired, "{name}");
        let recorded = fixture.athm.transaction_by_reference(&reference()).await.unwrap().unwrap();
        assert_eq!((recorded.kind(), recorded.total(), recorded.is_verified()), (&kind, TOTAL, true), "{name}");
        assert_eq!(recorded.customer().unwrap().name.as_deref(), Some("Marisol Vega"), "{name}");
    }
}

#[tokio::test]
async fn a_refund_event_makes_the_payment_be_read_again() {
    let fixture = SimulatorFixture::open().await;
    let paid = known_payment(Status::Completed).reference_number(reference());
    fixture.simulator.insert(paid.clone());
    assert_eq!(fixture.webhook(event("webhook_2020_ecommerce_completed.json")).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await.len(), 2);
    fixture.simulator.insert(paid.refunded_amount(Amount::from_cents(500)));
    assert_eq!(fixture.webhook(event("webhook_2020_refund.json")).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await[2..], ["received by webhook", "refunded by webhook"]);
    let recorded = fixture.athm.transaction_by_reference(&reference()).await.unwrap().unwrap();
    assert_eq!((recorded.kind(), recorded.refunded_amount()), (&TransactionKind::Ecommerce, Amount::from_cents(500)));
}

#[tokio::test]
async fn a_simulated_event_is_stored_and_completes_nothing() {
    let fixture = SimulatorFixture::open().await;
    fixture.simulator.insert(known_payment(Status::Completed).reference_number(reference()));
    let (open, id) = open(&fixture).await;
    assert_eq!(fixture.webhook(event("webhook_2020_simulated.json")).await, MessageResult::Known);
    // Whatever else such an event says, it is a test.
    let mut expired = event("webhook_2020_ecommerce_expired.json");
    expired["transactionType"] = json!("SIMULATED");
    assert_eq!(fixture.webhook(expired).await, MessageResult::Known);
    assert_eq!(
        fixture.webhook(json!({ "transactionType": "simulated", "status": "COMPLETED", "ecommerceId": id })).await,
        MessageResult::Known
    );
    assert!(fixture.noted().await.is_empty());
    assert_eq!((fixture.request_count("/findPayment"), fixture.request_count("/searchTransaction")), (0, 0));
    assert_eq!(status_of(&fixture, &open).await, Status::Open);
}

#[tokio::test]
async fn an_expiry_without_an_id_before_the_deadline_is_a_cancellation() {
    let fixture = SimulatorFixture::open().await;
    let (open, id) = open(&fixture).await;
    fixture.simulator.decline(&id).unwrap();
    assert_eq!(fixture.webhook(event("webhook_2020_ecommerce_expired.json")).await, MessageResult::Recorded);
    assert_eq!(status_of(&fixture, &open).await, Status::Cancelled);
}

#[tokio::test]
async fn the_cancel_and_expire_events_of_2020_match_one_open_payment() {
    for (name, fired, status) in [
        ("webhook_2020_ecommerce_expired.json", "expired by webhook", Status::Expired),
        ("webhook_2020_ecommerce_cancelled.json", "cancelled by webhook", Status::Cancelled),
    ] {
        let fixture = SimulatorFixture::open().await;
        let (open, id) = open(&fixture).await;
        fixture.simulator.decline(&id).unwrap();
        // The deadline decides, and not the event: it names no payment.
        if status == Status::Expired {
            fixture.clock.advance(Duration::from_secs(601));
        }
        assert_eq!(fixture.webhook(event(name)).await, MessageResult::Recorded, "{name}");
        assert_eq!(fixture.noted().await, ["received by webhook", fired], "{name}");
        assert_eq!(status_of(&fixture, &open).await, status, "{name}");
        // It has ended, so that nothing is like it any more.
        assert_eq!(fixture.webhook(event(name)).await, MessageResult::Known, "{name}");
        assert_eq!((fixture.noted().await.len(), fixture.request_count("/findPayment")), (2, 1), "{name}");
    }
}

#[tokio::test]
async fn an_event_that_matches_no_open_payment_or_several_fires_nothing() {
    let fixture = SimulatorFixture::open().await;
    let expired = || event("webhook_2020_ecommerce_expired.json");
    // One that was opened elsewhere isn't ours, even if it is recorded.
    fixture.simulator.insert(known_payment(Status::Open));
    assert_eq!(
        fixture.callback(json!({ "ecommerceId": ecommerce_id(3), "status": "OPEN" })).await,
        MessageResult::Known
    );
    assert_eq!(fixture.webhook(expired()).await, MessageResult::Known);
    for unlike in [
        NewPayment::new(Amount::from_cents(3233), "orden-1042").metadata_2("recogido"),
        NewPayment::new(TOTAL, "orden-1043").metadata_2("recogido"),
        NewPayment::new(TOTAL, "orden-1042").metadata_2("enviado"),
    ] {
        fixture.athm.create(unlike).await.unwrap();
    }
    assert_eq!(fixture.webhook(expired()).await, MessageResult::Known);
    let ((first, first_id), (second, second_id)) = (open(&fixture).await, open(&fixture).await);
    fixture.simulator.decline(&first_id).unwrap();
    assert_eq!(fixture.webhook(expired()).await, MessageResult::Known);
    assert!(fixture.noted().await.is_empty());
    assert_eq!(fixture.request_count("/findPayment"), 1);

    // Once one of the two has ended, the other is the only one.
    assert_eq!(fixture.callback(json!({ "ecommerceId": first_id, "status": "CANCEL" })).await, MessageResult::Recorded);
    fixture.simulator.decline(&second_id).unwrap();
    fixture.clock.advance(Duration::from_secs(601));
    assert_eq!(fixture.webhook(expired()).await, MessageResult::Recorded);
    assert_eq!(status_of(&fixture, &first).await, Status::Cancelled);
    assert_eq!(status_of(&fixture, &second).await, Status::Expired);
}

#[tokio::test]
async fn a_forged_expiry_of_an_open_payment_changes_nothing() {
    let fixture = SimulatorFixture::open().await;
    let (open, id) = open(&fixture).await;
    let expired = || event("webhook_2020_ecommerce_expired.json");
    assert_eq!(fixture.webhook(expired()).await, MessageResult::Pending);
    fixture.simulator.approve(&id).unwrap();
    assert_eq!(fixture.webhook(expired()).await, MessageResult::Pending);
    assert!(fixture.noted().await.is_empty());
    assert_eq!(status_of(&fixture, &open).await, Status::Confirmed);
    fixture.athm.authorize(open.id()).await.unwrap();
    assert_eq!(fixture.webhook(expired()).await, MessageResult::Known);
    assert_eq!(fixture.noted().await, ["received by authorize", "completed by authorize"]);
}

#[tokio::test]
async fn an_event_without_an_id_waits_for_an_unreachable_provider() {
    let mut fixture = SimulatorFixture::open().await;
    let (_, id) = open(&fixture).await;
    fixture.simulator.decline(&id).unwrap();
    fixture.simulator.fail_with(Outage::Unavailable);
    assert_eq!(fixture.webhook(event("webhook_2020_ecommerce_expired.json")).await, MessageResult::Pending);
    // The deadline passes while no process runs: on a shared database, one that stops during its lookup keeps the message
    // for two minutes.
    fixture.stop().await;
    fixture.clock.advance(Duration::from_secs(601));
    fixture.simulator.recover();
    fixture.restart().await;
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by webhook", "expired by webhook"]);
}

#[tokio::test]
async fn a_completion_without_an_id_is_never_matched() {
    let fixture = SimulatorFixture::open().await;
    let (open, id) = open(&fixture).await;
    fixture.simulator.approve(&id).unwrap();
    let mut nameless = event("webhook_2020_ecommerce_completed.json");
    nameless["referenceNumber"] = json!("");
    assert_eq!(fixture.webhook(nameless).await, MessageResult::Known);
    assert_eq!((fixture.noted().await.len(), fixture.request_count("/findPayment")), (0, 0));
    assert_eq!(status_of(&fixture, &open).await, Status::Open);
}

#[tokio::test]
async fn a_webhook_that_the_program_subscribes_gets_every_event() {
    let fixture = SimulatorFixture::open().await;
    let server = TestServer::start(&fixture.athm);
    fixture.athm.subscribe_webhook(server.url("/athm/webhook")).await.unwrap();
    fixture.athm.subscribe_webhook(server.url("/athm/webhook")).await.unwrap();
    let id = fixture.simulator.insert(known_payment(Status::Completed));
    fixture.simulator.send_webhook(&fixture.simulator.payment(&id).unwrap());
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by webhook", "completed by webhook"]);

    let refused = fixture.athm.subscribe_webhook("shop.example/athm/webhook").await.unwrap_err();
    assert!(matches!(refused, OperationError::Provider(ProviderError::Invalid(InvalidRequest::Listener))), "{refused}");
}
