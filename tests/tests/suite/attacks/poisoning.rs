//! Junk that comes before the genuine message, to have that taken for a duplicate.

use std::time::Duration;

use athm_core::Status;
use athm_simulator::Outage;
use athm_tests::ecommerce_id;
use serde_json::{Value, json};

use super::{Target, result};

#[tokio::test]
async fn junk_about_a_future_payment_does_not_block_its_genuine_message() {
    let target = Target::open().await;
    let genuine = json!({ "ecommerceId": ecommerce_id(1), "status": "COMPLETED", "total": "25.00" });
    assert_eq!(target.callback(genuine.clone()).await, result(422, "refused"));
    target.pay(ecommerce_id(1));
    assert_eq!(target.callback(genuine).await, result(201, "recorded"));
    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
}

#[tokio::test]
async fn junk_that_pairs_an_invented_id_with_a_genuine_reference_does_not_claim_it() {
    let target = Target::open().await;
    let id = target.paid();
    let reference = target.reference(&id);
    let mixed = json!({ "ecommerceId": ecommerce_id(1), "referenceNumber": reference, "status": "COMPLETED" });
    assert_eq!(target.callback(mixed).await, result(422, "refused"));
    let crossed = target.opened();
    let crossed = json!({ "ecommerceId": crossed, "referenceNumber": reference, "status": "COMPLETED" });
    assert_eq!(target.callback(crossed).await, result(202, "pending"));
    let genuine = json!({ "referenceNumber": reference, "status": "completed" });
    assert_eq!(target.webhook(genuine).await, result(201, "recorded"));
    assert_eq!(target.fixture.noted().await, ["received by webhook", "completed by webhook"]);
}

/// Junk about one payment, in every shape that might be remembered instead of the genuine message.
fn junk(id: &str) -> Vec<Value> {
    vec![
        json!({ "ecommerceId": id, "status": "EXPIRED" }),
        json!({ "ecommerceId": id, "status": "CANCEL", "referenceNumber": "1-junk" }),
        json!({ "ecommerceId": id, "status": "COMPLETED", "transactionType": "simulated" }),
        json!({ "ecommerceId": id, "status": "COMPLETED", "transactionType": "refund", "total": "25.00" }),
        json!({ "ecommerceId": id, "status": "COMPLETED", "transactionType": "donation" }),
        json!({ "ecommerceId": id, "status": "COMPLETED", "transactionType": "x".repeat(100_000) }),
        json!({ "ecommerceId": id, "status": "y".repeat(100_000) }),
        json!({ "ecommerceId": id, "status": "OPEN\u{0}COMPLETED" }),
        json!({ "ecommerceId": id, "status": "REFUNDED", "totalRefundedAmount": "92233720368547758.07" }),
        json!({ "ecommerceId": id, "totalRefundedAmount": "-5", "total": "0" }),
        json!({ "ecommerceId": id, "status": "COMPLETED", "metadata1": "order-1", "metadata2": "\u{0}", "items": [] }),
    ]
}

#[tokio::test]
async fn junk_while_the_payment_is_open_does_not_block_its_completion() {
    let target = Target::open().await;
    let id = target.opened();
    for message in junk(&id.to_string()) {
        let (status, _) = target.webhook(message.clone()).await;
        assert!(status == 200 || status == 202, "{status} for {:.200}", message.to_string());
    }
    assert_eq!(target.status(&id).await, Some(Status::Open));
    target.heard_nothing().await;
    target.pay(id);
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(201, "recorded"));
    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
}

#[tokio::test]
async fn junk_during_an_outage_does_not_block_pending_messages() {
    let target = Target::open().await;
    let id = target.paid();
    target.fixture.simulator.fail_with(Outage::BadGatewayPage);
    for message in junk(&id.to_string()) {
        let (status, _) = target.webhook(message).await;
        assert!(status == 200 || status == 202, "{status}");
    }
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(202, "pending"));
    for message in junk(&id.to_string()) {
        target.webhook(message).await;
    }
    target.fixture.simulator.recover();
    let passing = target.fixture.eventually(|| {
        target.fixture.clock.advance(Duration::from_secs(5));
        target.fixture.recorder.noted().len() == 2
    });
    passing.await;
    let noted = target.fixture.noted().await;
    assert!(noted[0].starts_with("received by") && noted[1].starts_with("completed by"), "{noted:?}");
    assert_eq!(target.status(&id).await, Some(Status::Completed));
}
