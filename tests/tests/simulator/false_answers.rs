//! Answers that state something else than what was done, and refusals of wrong tokens.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Status};
use athm_simulator::{Effect, Endpoint, Fault, Outage};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{Shop, json_of, payment, send, text};

impl Shop {
    async fn refund_of(&self, id: &EcommerceId, amount: &str) -> Value {
        let reference = self.simulator.payment(id).unwrap().reference_number.unwrap().to_string();
        let body = json!({ "publicToken": "p", "privateToken": "q", "referenceNumber": reference, "amount": amount });
        json_of(self.ecommerce("/refund").json(&body)).await
    }

    fn completed(&self) -> EcommerceId {
        self.simulator.insert(payment(2500).status(Status::Completed))
    }
}

#[tokio::test]
async fn a_refund_that_is_done_may_be_answered_with_an_unknown_code() {
    let shop = Shop::open().await;
    let id = shop.completed();
    shop.simulator.fail_next(Endpoint::Refund, Fault::RejectAfter { code: String::from("BTRA_0999") });
    assert_eq!(shop.refund_of(&id, "7.00").await["errorcode"], "BTRA_0999");
    assert_eq!(shop.simulator.requests().pop().unwrap().status, Some(200));
    assert_eq!(shop.find(&id).await["data"]["totalRefundedAmount"], 7);
}

#[tokio::test]
async fn a_refund_may_be_answered_with_the_refunded_amount_from_before() {
    let shop = Shop::open().await;
    let id = shop.completed();
    shop.refund_of(&id, "10.00").await;
    shop.simulator.fail_next(Endpoint::Refund, Fault::StaleRefundedAmount);
    let answer = shop.refund_of(&id, "3.00").await;
    assert_eq!(answer["data"]["refund"]["refundedAmount"], 3);
    assert_eq!(answer["data"]["originalTransaction"]["totalRefundedAmount"], 10);
    assert_eq!(shop.find(&id).await["data"]["totalRefundedAmount"], 13);
}

#[tokio::test]
async fn a_payment_may_be_opened_or_completed_with_another_total() {
    let shop = Shop::open().await;
    let dollar = Fault::Total(Amount::from_cents(100));
    shop.simulator.fail_next(Endpoint::Create, dollar.clone());
    let (id, _) = shop.create().await;
    assert_eq!(shop.find(&id).await["data"]["total"], 1);

    let (id, token) = shop.create().await;
    shop.simulator.approve(&id).unwrap();
    assert_eq!(shop.find(&id).await["data"]["total"], 27.86);
    shop.simulator.fail_next(Endpoint::Authorize, dollar);
    let answer = shop.authorize(&token).await;
    assert_eq!((&answer["data"]["ecommerceStatus"], &answer["data"]["total"]), (&json!("COMPLETED"), &json!(1)));
    assert_eq!(shop.simulator.payment(&id).unwrap().total, Amount::from_cents(100));
}

#[tokio::test]
async fn a_cancel_whose_answer_is_lost_is_done_or_not() {
    let shop = Shop::open().await;
    for (effect, status) in [(Effect::Absent, Status::Confirmed), (Effect::Done, Status::Cancelled)] {
        let id = shop.simulator.insert(payment(2500).status(Status::Confirmed));
        shop.simulator.fail_next(Endpoint::Cancel, Fault::Timeout(effect));
        let body = json!({ "ecommerceId": id.to_string(), "publicToken": "p" });
        let cancel = shop.ecommerce("/business/cancel").json(&body).timeout(Duration::from_millis(300));
        assert!(cancel.send().await.unwrap_err().is_timeout());
        assert_eq!(shop.simulator.payment(&id).unwrap().status, status);
    }
}

#[tokio::test]
async fn wrong_tokens_are_refused_with_401_403_or_the_page_of_a_firewall() {
    let shop = Shop::open().await;
    let id = shop.completed();
    let find = || {
        let body = json!({ "ecommerceId": id.to_string(), "publicToken": "p" });
        send(shop.ecommerce("/business/findPayment").json(&body))
    };
    for (fault, outage, status, body) in [
        (Fault::Unauthorized, Outage::Unauthorized, StatusCode::UNAUTHORIZED, "BTRA_0401"),
        (Fault::Forbidden, Outage::Forbidden, StatusCode::FORBIDDEN, "BTRA_0403"),
        (Fault::FirewallPage, Outage::FirewallPage, StatusCode::FORBIDDEN, "<HTML>"),
    ] {
        shop.simulator.fail_next(Endpoint::Find, fault);
        shop.simulator.fail_with(outage);
        for _ in 0..2 {
            let answer = find().await;
            assert_eq!(answer.status(), status);
            assert!(answer.text().await.unwrap().contains(body), "{body}");
        }
        shop.simulator.recover();
        assert_eq!(find().await.status(), status, "{outage}: the queued fault remains");
        assert_eq!(find().await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn an_outage_is_set_and_ended_by_a_control_endpoint() {
    let shop = Shop::open().await;
    let id = shop.completed();
    let set = async |outage: &str| send(shop.post("/simulator/outage").json(&json!({ "outage": outage }))).await;
    assert_eq!(set("unauthorized").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(shop.find(&id).await["errorcode"], "BTRA_0401");
    assert!(send(shop.get("/")).await.text().await.unwrap().contains("every request: unauthorized"));
    set("").await;
    assert_eq!(shop.status(&id).await, "COMPLETED");

    let unknown = set("asleep").await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    assert_eq!(text(&unknown.json::<Value>().await.unwrap()["field"]), "outage");
}

#[tokio::test]
async fn every_listed_fault_can_be_queued_by_a_control_endpoint() {
    let shop = Shop::open().await;
    for (fault, _) in Fault::EXAMPLES {
        let queued = send(shop.post("/simulator/faults").json(&json!({ "fault": fault }))).await;
        assert_eq!(queued.status(), StatusCode::SEE_OTHER, "{fault}");
    }
}
