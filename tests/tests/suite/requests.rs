//! What a payment costs the provider: how many requests, from beginning to end.

use std::time::Duration;

use athm_core::{Amount, NewPayment, Receipt};
use athm_tests::{eventually, paid};
use serde_json::json;

use crate::Business;

/// Requests by what they asked: create, find, authorize, search.
fn asked(business: &Business) -> [usize; 4] {
    ["/payment", "/findPayment", "/authorization", "/searchTransaction"].map(|path| business.asked(path))
}

#[tokio::test]
async fn a_payment_of_ours_costs_three_requests() {
    let business = Business::sweeping(|builder| builder).await;
    let open = business.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    business.simulator.approve(&id).unwrap();
    business.athm.authorize(open.id()).await.unwrap();
    let news = json!({ "ecommerceId": id, "status": "COMPLETED" });
    for _ in 0..5 {
        assert_eq!(business.callback(news.clone()).await, Receipt::Known);
        assert_eq!(business.webhook(news.clone()).await, Receipt::Known);
    }
    assert_eq!(business.noted().await.len(), 2);
    who_paid_is_found(&business).await;
    assert_eq!(asked(&business), [1, 0, 1, 1]);
}

#[tokio::test]
async fn a_payment_that_the_browser_opened_costs_two_requests() {
    let business = Business::sweeping(|builder| builder).await;
    let id = business.simulator.insert(paid());
    let news = json!({ "ecommerceId": id, "status": "COMPLETED" });
    assert_eq!(business.callback(news.clone()).await, Receipt::Recorded);
    for _ in 0..5 {
        assert_eq!(business.callback(news.clone()).await, Receipt::Known);
        assert_eq!(business.webhook(news.clone()).await, Receipt::Known);
    }
    assert_eq!(business.noted().await.len(), 2);
    who_paid_is_found(&business).await;
    assert_eq!(asked(&business), [0, 1, 0, 1]);
}

async fn who_paid_is_found(business: &Business) {
    let known = async || {
        business.clock.advance(Duration::from_secs(1));
        let page = business.athm.transactions(athm_core::TransactionQuery::new()).await.unwrap();
        page.transactions()[0].customer().is_some()
    };
    eventually(known).await;
}
