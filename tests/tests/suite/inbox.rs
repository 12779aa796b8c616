//! Messages that wait, and messages that came to nothing (promise 5).

use std::time::Duration;

use athm_core::{Amount, MessageResult};
use athm_simulator::{Outage, SimulatedPayment};
use athm_tests::completed_payment;
use futures_util::future::join_all;
use serde_json::json;

use crate::SimulatorFixture;

#[tokio::test(flavor = "multi_thread")]
async fn promise_5_sixty_four_duplicates_of_a_pending_message_make_one_lookup() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)));
    let message = || json!({ "ecommerceId": id, "status": "COMPLETED" });
    fixture.simulator.fail_with(Outage::Unavailable);
    let receipts = join_all((0..64).map(|_| fixture.callback(message()))).await;
    assert!(receipts.iter().all(|receipt| *receipt == MessageResult::Pending));
    fixture.simulator.recover();
    let before = fixture.request_count("/findPayment");
    assert!(before <= 21, "{before} questions");
    fixture.simulator.insert(completed_payment().ecommerce_id(id));
    fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by callback", "completed by callback"]);
    assert_eq!(fixture.request_count("/findPayment"), before + 1);
}
