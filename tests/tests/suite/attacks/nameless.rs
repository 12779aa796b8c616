//! Events of 2020, which name no payment, forged: they are tied to an open payment by what its buyer knows.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::{Amount, NewPayment, Status};
use serde_json::{Value, json};

use super::{Target, result};

fn ending(status: &str, total: &str, metadata_1: &str) -> Value {
    json!({
        "transactionType": "ecommerce", "status": status, "referenceNumber": "", "dailyTransactionID": "",
        "total": total, "metadata1": metadata_1, "metadata2": "web", "name": "", "phoneNumber": "", "email": "",
    })
}

async fn open(target: &Target) -> EcommerceId {
    let order = NewPayment::new(Amount::from_cents(2500), "order-7").metadata_2("web");
    *target.fixture.athm.create(order).await.unwrap().ecommerce_id().unwrap()
}

#[tokio::test]
async fn a_forged_event_without_an_id_ends_no_open_payment() {
    let target = Target::open().await;
    let id = open(&target).await;
    for status in ["expired", "cancelled", "EXPIRED", "CANCEL"] {
        assert_eq!(target.webhook(ending(status, "25.00", "order-7")).await, result(202, "pending"), "{status}");
    }
    assert_eq!(target.status(&id).await, Some(Status::Open));
    target.heard_nothing().await;

    // Nor does it shadow the payment's own completion.
    target.pay(id);
    target.fixture.clock.advance(Duration::from_secs(5));
    let noted = target.fixture.recorder.wait_for(2).await;
    assert!(noted[1].starts_with("completed by"), "{noted:?}");
    assert_eq!(target.webhook(ending("expired", "25.00", "order-7")).await, result(200, "known"));
    assert_eq!(target.status(&id).await, Some(Status::Completed));
    assert_eq!(target.fixture.noted().await.len(), 2);
}

#[tokio::test]
async fn an_event_without_an_id_ends_only_the_payment_that_it_matches() {
    let target = Target::open().await;
    let id = open(&target).await;
    for (total, metadata_1) in
        [("24.99", "order-7"), ("25.00", "order-8"), ("25.00", ""), ("", "order-7"), ("25.00", "%")]
    {
        let forged = ending("cancelled", total, metadata_1);
        assert_eq!(target.webhook(forged).await, result(200, "known"), "{total} {metadata_1}");
    }
    // Nothing but an end without money is tied to anything.
    for status in ["completed", "COMPLETED", "CONFIRM", "OPEN", "", "refunded"] {
        assert_eq!(target.webhook(ending(status, "25.00", "order-7")).await, result(200, "known"), "{status}");
    }
    assert_eq!(target.fixture.request_count("/findPayment"), 0);

    // Two that are alike: neither is asked about.
    open(&target).await;
    assert_eq!(target.webhook(ending("cancelled", "25.00", "order-7")).await, result(200, "known"));
    assert_eq!(target.fixture.request_count("/findPayment"), 0);
    assert_eq!(target.status(&id).await, Some(Status::Open));
    target.heard_nothing().await;
}

#[tokio::test]
async fn a_flood_of_events_without_an_id_makes_few_lookups() {
    let target = Target::open().await;
    let id = open(&target).await;
    for _ in 0..60 {
        assert_eq!(target.webhook(ending("expired", "25.00", "order-7")).await, result(202, "pending"));
    }
    assert_eq!(target.fixture.request_count("/findPayment"), 20);
    assert_eq!(target.status(&id).await, Some(Status::Open));
    target.heard_nothing().await;
}
