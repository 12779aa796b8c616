//! Find and search that lag behind, each on its own.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Status};
use athm_simulator::{Simulator, View};
use serde_json::{Value, json};

use crate::{Shop, payment, send};

impl Shop {
    /// A shop whose simulator's clock only moves when it is advanced.
    async fn with_stopped_clock() -> Self {
        Self::with(Simulator::builder().clock_speed(0).start().await.unwrap())
    }

    fn advance(&self, seconds: u64) {
        self.simulator.skip(Duration::from_secs(seconds));
    }

    async fn found_by_reference(&self, id: &EcommerceId) -> Value {
        let reference = self.simulator.payment(id).unwrap().reference_number.unwrap().to_string();
        self.search(json!({ "referenceNumber": reference })).await
    }
}

const LAG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn search_knows_a_new_reference_after_its_lag() {
    let shop = Shop::with_stopped_clock().await;
    let (id, token) = shop.create().await;
    shop.simulator.approve(&id).unwrap();
    shop.simulator.set_lag(View::Search, LAG);
    shop.authorize(&token).await;
    assert_eq!(shop.status(&id).await, "COMPLETED");
    assert_eq!(shop.found_by_reference(&id).await["errorCode"], "5010");
    shop.advance(30);
    assert_eq!(shop.found_by_reference(&id).await["status"], "COMPLETED");
}

#[tokio::test]
async fn find_shows_each_refund_after_its_lag() {
    let shop = Shop::with_stopped_clock().await;
    let id = shop.simulator.insert(payment(2500).status(Status::Completed));
    shop.simulator.set_lag(View::Find, LAG);
    let refunded = async || shop.find(&id).await["data"]["totalRefundedAmount"].clone();
    shop.simulator.refund(&id, Amount::from_cents(1000)).unwrap();
    shop.advance(10);
    shop.simulator.refund(&id, Amount::from_cents(300)).unwrap();
    assert_eq!(shop.found_by_reference(&id).await["totalRefundedAmount"], 13);
    assert_eq!(refunded().await, 0);
    shop.advance(20);
    assert_eq!(refunded().await, 10);
    shop.advance(10);
    assert_eq!(refunded().await, 13);
}

#[tokio::test]
async fn find_shows_an_earlier_status_for_a_while() {
    let shop = Shop::with_stopped_clock().await;
    let id = shop.simulator.insert(payment(2500));
    shop.simulator.set_lag(View::Find, LAG);
    shop.simulator.approve(&id).unwrap();
    assert_eq!(shop.status(&id).await, "OPEN");
    shop.advance(30);
    assert_eq!(shop.status(&id).await, "CONFIRM");
    shop.advance(570);
    assert_eq!(shop.simulator.payment(&id).unwrap().status, Status::Expired);
    assert_eq!(shop.status(&id).await, "CONFIRM");
    shop.advance(30);
    assert_eq!(shop.status(&id).await, "CANCEL");
}

#[tokio::test]
async fn one_request_may_lag_in_one_view() {
    let shop = Shop::with_stopped_clock().await;
    let (id, token) = shop.create().await;
    shop.simulator.approve(&id).unwrap();
    send(shop.ecommerce("/authorization").bearer_auth(&token).header("Simulator-Fault", "stale-search=5s")).await;
    assert_eq!(shop.status(&id).await, "COMPLETED");
    assert_eq!(shop.found_by_reference(&id).await["errorCode"], "5010");

    let (other, token) = shop.create().await;
    shop.simulator.approve(&other).unwrap();
    send(shop.ecommerce("/authorization").bearer_auth(&token).header("Simulator-Fault", "error-late-find=5s")).await;
    assert_eq!(shop.status(&other).await, "CONFIRM");
    assert_eq!(shop.found_by_reference(&other).await["status"], "COMPLETED");
    shop.advance(5);
    assert_eq!(shop.status(&other).await, "COMPLETED");
    assert_eq!(shop.found_by_reference(&id).await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_control_endpoint_sets_the_lags_and_clears_them() {
    let shop = Shop::with_stopped_clock().await;
    send(shop.post("/simulator/lag").json(&json!({ "find": 30 }))).await;
    let id = shop.simulator.insert(payment(100));
    assert_eq!(shop.find(&id).await["errorcode"], "BTRA_0031");
    assert!(send(shop.get("/")).await.text().await.unwrap().contains("find lags by 30 s"));
    send(shop.post("/simulator/faults/clear")).await;
    let id = shop.simulator.insert(payment(100));
    assert_eq!(shop.status(&id).await, "OPEN");
}
