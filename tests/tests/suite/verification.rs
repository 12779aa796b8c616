//! A message is a hint: what is recorded is the provider's word.

use std::time::Duration;

use athm_core::errors::VerifyError;
use athm_core::transactions::TransactionQuery;
use athm_core::{Amount, Message, MessageResult, Status, TransactionKind};
use athm_simulator::{Outage, SimulatedPayment};
use athm_tests::{completed_payment, ecommerce_id};
use futures_util::future::join_all;
use serde_json::json;

use crate::SimulatorFixture;

fn of(cents: i64) -> SimulatedPayment {
    SimulatedPayment::new(Amount::from_cents(cents))
}

async fn rows(fixture: &SimulatorFixture) -> usize {
    fixture.athm.transactions(TransactionQuery::new()).await.unwrap().transactions().len()
}

#[tokio::test]
async fn a_completed_payment_is_recorded_with_the_providers_amounts_whatever_the_message_says() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment());
    let forged = json!({ "ecommerceId": id, "status": "COMPLETED", "total": "9999.00", "metadata1": "order-1", "name": "Marisol Vega" });
    assert_eq!(fixture.callback(forged.clone()).await, MessageResult::Recorded);
    assert_eq!(fixture.callback(forged).await, MessageResult::Known);
    assert_eq!(fixture.noted().await, ["received by callback", "completed by callback"]);

    let transaction = fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
    assert_eq!((transaction.total(), transaction.metadata_1()), (Amount::from_cents(2500), "order-7"));
    assert_eq!((transaction.customer(), transaction.is_verified()), (None, true));
    assert!(transaction.reference_number().is_some());
}

#[tokio::test]
async fn a_message_without_a_status_states_nothing_and_a_missing_status_is_never_completed() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(of(2500));
    assert_eq!(fixture.callback(json!({ "ecommerceId": id })).await, MessageResult::Known);
    assert!(fixture.noted().await.is_empty());
    fixture.simulator.insert(completed_payment().ecommerce_id(id));
    assert_eq!(fixture.callback(json!({ "ecommerceId": id })).await, MessageResult::Recorded);
}

#[tokio::test]
async fn a_completion_claimed_of_a_cancelled_payment_is_refused_and_fires_cancelled() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(of(2500).status(Status::Cancelled));
    assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Refused);
    assert_eq!(fixture.noted().await, ["received by callback", "cancelled by callback"]);
}

#[tokio::test]
async fn the_message_decides_whether_a_cancel_is_an_expiry() {
    let fixture = SimulatorFixture::open().await;
    for (claimed, fired) in [("EXPIRED", "expired"), ("CANCEL", "cancelled"), ("expired", "expired")] {
        let id = fixture.simulator.insert(of(2500).status(Status::Cancelled));
        let before = fixture.noted().await.len();
        assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": claimed })).await, MessageResult::Recorded);
        assert_eq!(fixture.noted().await[before..], ["received by webhook".to_owned(), format!("{fired} by webhook")]);
        assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "CANCEL" })).await, MessageResult::Known);
        assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "EXPIRED" })).await, MessageResult::Known);
    }
}

#[tokio::test]
async fn a_payment_in_an_unknown_status_fires_received_alone() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(of(2500).status(Status::Unknown("ON_HOLD".into())));
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "ON_HOLD" })).await, MessageResult::Recorded);
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Pending);
    assert_eq!(fixture.noted().await, ["received by webhook"]);
}

#[tokio::test]
async fn an_unreachable_provider_is_retried_until_it_answers() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment());
    fixture.simulator.fail_with(Outage::BadGatewayPage);
    for _ in 0..3 {
        assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Pending);
    }
    assert_eq!(fixture.request_count("/findPayment"), 3);

    fixture.clock.advance(Duration::from_secs(4));
    assert_eq!(fixture.request_count("/findPayment"), 3);
    fixture.clock.advance(Duration::from_secs(1));
    fixture.eventually(|| fixture.request_count("/findPayment") == 4).await;
    assert!(fixture.noted().await.is_empty());

    fixture.simulator.recover();
    let passing = fixture.eventually(|| {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.recorder.noted().len() == 2
    });
    passing.await;
    assert_eq!(fixture.noted().await, ["received by callback", "completed by callback"]);
    assert_eq!(fixture.request_count("/findPayment"), 5);
}

#[tokio::test]
async fn a_pending_message_survives_a_restart_with_its_sender() {
    let mut fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(of(2500).status(Status::Cancelled));
    fixture.simulator.fail_with(Outage::Unavailable);
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "EXPIRED" })).await, MessageResult::Pending);
    fixture.simulator.recover();
    fixture.clock.advance(Duration::from_secs(3));
    fixture.restart().await;
    fixture.clock.advance(Duration::from_secs(2));
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by webhook", "expired by webhook"]);
}

#[tokio::test]
async fn a_message_with_only_a_reference_is_looked_up_by_search() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment().customer_name("Inés Rivera").customer_phone("7875550199"));
    let reference = fixture.simulator.payment(&id).unwrap().reference_number.unwrap();
    assert_eq!(
        fixture.webhook(json!({ "referenceNumber": reference, "status": "completed" })).await,
        MessageResult::Recorded
    );
    assert_eq!((fixture.request_count("/searchTransaction"), fixture.request_count("/findPayment")), (1, 0));
    let transaction = fixture.athm.transaction_by_reference(&reference).await.unwrap().unwrap();
    let customer = transaction.customer().unwrap();
    assert_eq!(customer.name.as_deref(), Some("Inés Rivera"));
    assert_eq!(customer.phone.as_deref(), Some("7875550199"));
    let logged = format!("{transaction:?}");
    assert!(!logged.contains("Inés") && !logged.contains("7875550199"), "{logged}");

    assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Known);
    assert_eq!((rows(&fixture).await, fixture.noted().await.len()), (1, 2));
    assert_eq!(
        fixture.webhook(json!({ "referenceNumber": reference, "status": "completed" })).await,
        MessageResult::Known
    );
    // A duplicate makes no lookup.
    assert_eq!((fixture.request_count("/searchTransaction"), fixture.request_count("/findPayment")), (1, 1));
}

#[tokio::test]
async fn an_app_payment_fires_received_alone() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment().kind(TransactionKind::Payment));
    let reference = fixture.simulator.payment(&id).unwrap().reference_number.unwrap();
    let event = json!({ "transactionType": "payment", "status": "completed", "referenceNumber": reference });
    assert_eq!(fixture.webhook(event).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await, ["received by webhook"]);
}

#[tokio::test]
async fn a_refund_that_the_provider_shows_fires_refunded_once() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment());
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await.len(), 2);
    let payment = fixture.simulator.payment(&id).unwrap();
    let reference = payment.reference_number.clone().unwrap();
    fixture.simulator.insert(payment.refunded_amount(Amount::from_cents(500)));
    let news =
        json!({ "transactionType": "refund", "status": "completed", "referenceNumber": reference, "total": "5.00" });
    assert_eq!(fixture.webhook(news.clone()).await, MessageResult::Recorded);
    assert_eq!(fixture.webhook(news).await, MessageResult::Known);
    assert_eq!(fixture.noted().await[2..], ["received by webhook", "refunded by webhook"]);
}

#[tokio::test]
async fn a_refund_that_the_provider_does_not_show_yet_stays_pending() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment());
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Recorded);
    let payment = fixture.simulator.payment(&id).unwrap();
    let reference = payment.reference_number.clone().unwrap();
    let news =
        json!({ "transactionType": "refund", "status": "completed", "referenceNumber": reference, "total": "5.00" });
    assert_eq!(fixture.webhook(news).await, MessageResult::Pending);
    // What is known already of the payment itself doesn't take the refund's place.
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Known);
    assert_eq!(fixture.noted().await.len(), 2);
    fixture.simulator.insert(payment.refunded_amount(Amount::from_cents(500)));
    fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(fixture.recorder.wait_for(4).await[2..], ["received by webhook", "refunded by webhook"]);
}

#[tokio::test]
async fn simulated_events_and_messages_without_an_id_are_stored_and_fire_nothing() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment());
    let reference = fixture.simulator.payment(&id).unwrap().reference_number.unwrap();
    let simulated = json!({ "transactionType": "simulated", "status": "completed", "referenceNumber": reference });
    assert_eq!(fixture.webhook(simulated).await, MessageResult::Known);
    let nameless =
        json!({ "transactionType": "ecommerce", "status": "expired", "referenceNumber": "", "total": "25.00" });
    assert_eq!(fixture.webhook(nameless).await, MessageResult::Known);
    assert_eq!((rows(&fixture).await, fixture.noted().await.len()), (0, 0));
    assert!(fixture.simulator.requests().is_empty());
}

#[tokio::test]
async fn a_check_refuses_every_source_and_the_payment_is_recorded() {
    let check = |transaction: &athm_core::Transaction| match transaction.total() >= Amount::from_cents(1000) {
        true => Ok(()),
        false => Err(athm_core::Rejection::new("too cheap")),
    };
    let fixture = SimulatorFixture::open_with(|builder| builder.check(check)).await;
    let id = fixture.simulator.insert(of(100).status(Status::Completed));
    assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Refused);
    assert!(fixture.noted().await.is_empty());
    let transaction = fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
    assert_eq!(transaction.status(), &Status::Completed);
    let events = fixture.athm.events(transaction.id()).await.unwrap();
    assert_eq!(events[0].rejection(), Some("too cheap"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_duplicates_at_once_record_and_fire_once() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment());
    let messages = (0..64).map(|_| fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })));
    let receipts = join_all(messages).await;
    assert_eq!(receipts.iter().filter(|receipt| **receipt == MessageResult::Recorded).count(), 1);
    assert_eq!(receipts.iter().filter(|receipt| **receipt == MessageResult::Known).count(), 63);
    assert_eq!(fixture.noted().await, ["received by callback", "completed by callback"]);
    assert_eq!(rows(&fixture).await, 1);
}

#[tokio::test]
async fn verify_returns_the_providers_answer_and_records_nothing() {
    let fixture = SimulatorFixture::open().await;
    let message = |body: serde_json::Value| Message::parse("application/json", body.to_string().as_bytes()).unwrap();
    let (open, done) = (fixture.simulator.insert(of(2500)), fixture.simulator.insert(completed_payment()));

    let transaction = fixture.athm.verify(&message(json!({ "ecommerceId": done, "total": "1.00" }))).await.unwrap();
    assert_eq!((transaction.status(), transaction.total()), (&Status::Completed, Amount::from_cents(2500)));
    let verify = async |body| fixture.athm.verify(&message(body)).await.unwrap_err();
    assert!(matches!(verify(json!({ "ecommerceId": open, "status": "COMPLETED" })).await, VerifyError::Pending));
    assert!(matches!(verify(json!({ "ecommerceId": done, "status": "CANCEL" })).await, VerifyError::Refused));
    assert!(matches!(verify(json!({ "ecommerceId": ecommerce_id(9) })).await, VerifyError::Refused));
    assert!(matches!(verify(json!({ "status": "COMPLETED" })).await, VerifyError::Unidentified));
    fixture.simulator.fail_with(Outage::InternalError);
    assert!(matches!(verify(json!({ "ecommerceId": done })).await, VerifyError::Provider(_)));
    assert_eq!(rows(&fixture).await, 0);
}
