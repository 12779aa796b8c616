//! Floods of invented ids.

use std::time::Duration;

use athm_core::{Amount, NewPayment};
use athm_tests::ecommerce_id;
use futures_util::future::join_all;
use serde_json::json;

use super::{Target, result};

#[tokio::test]
async fn an_invented_id_is_refused_and_makes_no_payment() {
    let target = Target::open().await;
    for invented in [
        json!({ "ecommerceId": ecommerce_id(1), "status": "COMPLETED", "total": "25.00", "metadata1": "order-7" }),
        json!({ "ecommerceId": "00000000-0000-0000-0000-000000000000", "status": "COMPLETED" }),
        json!({ "referenceNumber": "' OR 1=1--", "ecommerceId": ecommerce_id(2), "status": "COMPLETED" }),
    ] {
        let (status, _) = target.callback(invented.clone()).await;
        assert!(status == 422 || status == 400, "{status} for {invented}");
    }
    // The provider's search lags, so that a reference number may become known.
    let invented = json!({ "referenceNumber": "99-invented", "status": "completed", "total": "25.00" });
    assert_eq!(target.callback(invented).await, result(202, "pending"));
    assert_eq!(target.rows().await, 0);
    target.heard_nothing().await;
    target.is_as_good_as_before().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_5_a_flood_of_invented_ids_makes_few_lookups_and_delays_no_genuine_message() {
    let target = Target::open().await;
    let ours = target.fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let flood = |from: u32| {
        join_all((from..from + 100).map(|n| {
            let target = &target;
            async move { target.callback(json!({ "ecommerceId": ecommerce_id(n), "status": "COMPLETED" })).await }
        }))
    };
    for from in [0, 100, 200] {
        for answer in flood(from).await {
            assert!(answer == result(422, "refused") || answer == result(202, "pending"), "{answer:?}");
        }
    }
    assert_eq!(target.fixture.request_count("/findPayment"), 20);
    assert_eq!(target.rows().await, 1);

    let id = *ours.ecommerce_id().unwrap();
    target.pay(id);
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(201, "recorded"));
    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
}

#[tokio::test]
async fn a_flood_delays_no_retry_of_a_genuine_message() {
    let target = Target::open().await;
    for n in 0..20 {
        assert_eq!(target.callback(json!({ "ecommerceId": ecommerce_id(n) })).await, result(422, "refused"));
    }
    // Opened by the browser: athm doesn't know it.
    let id = target.paid();
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(202, "pending"));
    // From now on the flood is there first, whenever the provider may be asked.
    let mut n = 100;
    while target.fixture.recorder.noted().len() < 2 {
        for _ in 0..6 {
            n += 1;
            target.callback(json!({ "ecommerceId": ecommerce_id(n) })).await;
        }
        target.fixture.clock.advance(Duration::from_secs(1));
        assert!(n < 1000, "the flood has won");
    }
    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
}

#[tokio::test]
async fn a_flood_about_a_genuine_payment_makes_few_lookups() {
    let target = Target::open().await;
    let id = target.opened();
    for n in 0..60 {
        let expected = if n <= 20 { result(200, "known") } else { result(202, "pending") };
        assert_eq!(target.callback(json!({ "ecommerceId": id })).await, expected, "{n}");
    }
    assert_eq!(target.fixture.request_count("/findPayment"), 21);
    target.pay(id);
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(202, "pending"));
    target.fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(target.fixture.recorder.wait_for(2).await, ["received by callback", "completed by callback"]);
    target.is_as_good_as_before().await;
}
