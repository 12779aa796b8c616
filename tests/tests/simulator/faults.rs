//! Outages, queued faults and random ones.

use std::time::Duration;

use athm_core::Status;
use athm_simulator::{Effect, Endpoint, Fault, FaultRates, Outage, Simulator};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{Shop, payment, send};

#[tokio::test]
async fn an_outage_fails_the_api_and_not_the_page() {
    let shop = Shop::open().await;
    let id = shop.simulator.insert(payment(100));
    let find = || {
        let body = json!({ "ecommerceId": id.to_string(), "publicToken": "p" });
        send(shop.ecommerce("/business/findPayment").json(&body))
    };
    shop.simulator.fail_with(Outage::Unavailable);
    assert_eq!(find().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    shop.simulator.fail_with(Outage::BadGatewayPage);
    let page = find().await;
    assert_eq!(
        (page.status(), page.headers()["content-type"].to_str().unwrap()),
        (StatusCode::BAD_GATEWAY, "text/html; charset=utf-8")
    );
    shop.simulator.fail_with(Outage::InternalError);
    assert_eq!(find().await.json::<Value>().await.unwrap()["errorcode"], "BTRA_9999");
    assert_eq!(send(shop.get("/")).await.status(), StatusCode::OK);
    shop.simulator.recover();
    assert_eq!(find().await.status(), StatusCode::OK);
}

impl Shop {
    /// A payment that the customer has approved, and the token that authorizes it.
    fn approved(&self) -> (athm_core::ids::EcommerceId, String) {
        let id = self.simulator.insert(payment(2500).status(Status::Confirmed));
        (id, self.simulator.auth_token(&id).unwrap())
    }

    fn money_has_moved(&self, id: &athm_core::ids::EcommerceId) -> bool {
        self.simulator.payment(id).unwrap().status == Status::Completed
    }
}

#[tokio::test]
async fn each_fault_has_its_answer_and_its_effect() {
    let shop = Shop::open().await;
    for (word, status, body, moved) in [
        ("reject=BTRA_0005", 409, "BTRA_0005", false),
        ("error", 500, "BTRA_9999", false),
        ("error-after", 500, "BTRA_9999", true),
        ("bad-gateway", 502, "<html>", false),
        ("bad-gateway-after", 502, "<html>", true),
        ("garbage", 200, "no JSON", false),
        ("garbage-after", 200, "no JSON", true),
        ("bom", 200, "\u{feff}{", true),
        ("slow=1ms", 200, "COMPLETED", true),
    ] {
        let (id, token) = shop.approved();
        let answer = send(shop.ecommerce("/authorization").bearer_auth(&token).header("Simulator-Fault", word)).await;
        assert_eq!(answer.status().as_u16(), status, "{word}");
        let bytes = answer.bytes().await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(body), "{word}: {text}");
        assert!(body != "no JSON" || serde_json::from_str::<Value>(&text).is_err());
        assert_eq!(shop.money_has_moved(&id), moved, "{word}");
    }
    let answer = send(shop.ecommerce("/authorization").header("Simulator-Fault", "nonsense")).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.unwrap().contains("nonsense"));
}

#[tokio::test]
async fn a_truncated_answer_ends_with_the_connection() {
    let shop = Shop::open().await;
    let (id, token) = shop.approved();
    let answer =
        send(shop.ecommerce("/authorization").bearer_auth(&token).header("Simulator-Fault", "truncated")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.bytes().await.is_err());
    assert!(shop.money_has_moved(&id));
}

#[tokio::test]
async fn a_timeout_has_no_effect_or_has_its_effect() {
    let shop = Shop::open().await;
    let times_out = async |fault: Fault| {
        let (id, token) = shop.approved();
        shop.simulator.fail_next(Endpoint::Authorize, fault.clone());
        let request = shop.ecommerce("/authorization").bearer_auth(token).timeout(Duration::from_millis(300));
        assert!(request.send().await.unwrap_err().is_timeout(), "{fault}");
        let request = shop.simulator.requests().pop().unwrap();
        assert_eq!((request.status, request.payment, request.fault), (None, Some(id), Some(fault)));
        shop.money_has_moved(&id)
    };
    assert!(!times_out(Fault::Timeout(Effect::Absent)).await);
    assert!(times_out(Fault::Timeout(Effect::Done)).await);
}

#[tokio::test]
async fn an_effect_may_become_visible_late() {
    let shop = Shop::with(Simulator::builder().clock_speed(0).start().await.unwrap());
    let (id, token) = shop.approved();
    shop.simulator.fail_next(Endpoint::Authorize, Fault::InternalError(Effect::Late(Duration::from_secs(5))));
    assert_eq!(shop.authorize(&token).await["errorcode"], "BTRA_9999");
    assert_eq!(shop.status(&id).await, "CONFIRM");
    assert_eq!(shop.authorize(&token).await["errorcode"], "BTRA_0032");
    shop.simulator.skip(Duration::from_secs(5));
    assert_eq!(shop.status(&id).await, "COMPLETED");

    let (id, token) = shop.approved();
    shop.simulator.fail_next(Endpoint::Authorize, Fault::Stale(Duration::from_secs(5)));
    assert_eq!(shop.authorize(&token).await["data"]["ecommerceStatus"], "COMPLETED");
    assert_eq!(shop.status(&id).await, "CONFIRM");
}

#[tokio::test]
async fn a_queued_fault_waits_for_its_endpoint() {
    let shop = Shop::open().await;
    let (id, token) = shop.approved();
    shop.simulator.fail_next(Endpoint::Authorize, Fault::Reject { code: String::from("BTRA_9998") });
    assert_eq!(shop.status(&id).await, "CONFIRM");
    assert_eq!(shop.authorize(&token).await["errorcode"], "BTRA_9998");
    assert_eq!(shop.authorize(&token).await["status"], "success");
}

#[tokio::test]
async fn the_same_seed_injects_the_same_faults() {
    let met = async || {
        let rates = FaultRates::none()
            .with(Fault::InternalError(Effect::Absent), 300)
            .with(Fault::Reject { code: String::from("BTRA_9998") }, 300);
        let simulator = Simulator::builder().seed(7).faults(rates).start().await.unwrap();
        let shop = Shop::with(simulator);
        let id = shop.simulator.insert(payment(100));
        let mut codes = Vec::new();
        for _ in 0..30 {
            codes.push(shop.find(&id).await["errorcode"].clone());
        }
        codes
    };
    let codes = met().await;
    assert_eq!(codes, met().await);
    for code in [json!("BTRA_9999"), json!("BTRA_9998"), Value::Null] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
}
