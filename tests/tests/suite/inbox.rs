//! Messages that wait, and messages that came to nothing (promise 5).

use std::time::Duration;

use athm_core::{Amount, Receipt};
use athm_simulator::{Outage, SimulatedPayment};
use athm_tests::paid;
use futures_util::future::join_all;
use serde_json::json;

use crate::Business;

#[tokio::test(flavor = "multi_thread")]
async fn promise_5_sixty_four_duplicates_of_what_is_pending_cost_one_question() {
    let business = Business::open().await;
    let id = business.simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)));
    let message = || json!({ "ecommerceId": id, "status": "COMPLETED" });
    business.simulator.fail_with(Outage::Unavailable);
    let receipts = join_all((0..64).map(|_| business.callback(message()))).await;
    assert!(receipts.iter().all(|receipt| *receipt == Receipt::Pending));
    business.simulator.recover();
    let before = business.asked("/findPayment");
    assert!(before <= 21, "{before} questions");
    business.simulator.insert(paid().ecommerce_id(id));
    business.clock.advance(Duration::from_secs(5));
    assert_eq!(business.recorder.wait_for(2).await, ["received by callback", "completed by callback"]);
    assert_eq!(business.asked("/findPayment"), before + 1);
}
