//! What a payment costs the provider: how many requests, from beginning to end.

use std::time::Duration;

use athm_core::{Amount, MessageResult, NewPayment};
use athm_tests::{completed_payment, eventually};
use serde_json::json;

use crate::SimulatorFixture;

/// Requests by what they asked: create, find, authorize, search.
fn asked(fixture: &SimulatorFixture) -> [usize; 4] {
    ["/payment", "/findPayment", "/authorization", "/searchTransaction"].map(|path| fixture.request_count(path))
}

#[tokio::test]
async fn a_created_payment_makes_three_requests() {
    let fixture = SimulatorFixture::open_with_sweeper(|builder| builder).await;
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    fixture.simulator.approve(&id).unwrap();
    fixture.athm.authorize(open.id()).await.unwrap();
    let news = json!({ "ecommerceId": id, "status": "COMPLETED" });
    for _ in 0..5 {
        assert_eq!(fixture.callback(news.clone()).await, MessageResult::Known);
        assert_eq!(fixture.webhook(news.clone()).await, MessageResult::Known);
    }
    assert_eq!(fixture.noted().await.len(), 2);
    who_paid_is_found(&fixture).await;
    assert_eq!(asked(&fixture), [1, 0, 1, 1]);
}

#[tokio::test]
async fn a_payment_opened_in_the_browser_makes_two_requests() {
    let fixture = SimulatorFixture::open_with_sweeper(|builder| builder).await;
    let id = fixture.simulator.insert(completed_payment());
    let news = json!({ "ecommerceId": id, "status": "COMPLETED" });
    assert_eq!(fixture.callback(news.clone()).await, MessageResult::Recorded);
    for _ in 0..5 {
        assert_eq!(fixture.callback(news.clone()).await, MessageResult::Known);
        assert_eq!(fixture.webhook(news.clone()).await, MessageResult::Known);
    }
    assert_eq!(fixture.noted().await.len(), 2);
    who_paid_is_found(&fixture).await;
    assert_eq!(asked(&fixture), [0, 1, 0, 1]);
}

async fn who_paid_is_found(fixture: &SimulatorFixture) {
    let known = async || {
        fixture.clock.advance(Duration::from_secs(1));
        let page = fixture.athm.transactions(athm_core::transactions::TransactionQuery::new()).await.unwrap();
        page.transactions()[0].customer().is_some()
    };
    eventually(known).await;
}
