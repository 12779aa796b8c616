//! Phones, refunds, reports and subscriptions.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Status, TransactionKind};
use athm_simulator::{RefundReference, Simulator, SimulatorError, TestPhone};
use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};

use crate::{Shop, json_of, payment, text};

impl Shop {
    async fn refund(&self, mut body: Value) -> Value {
        body["publicToken"] = json!("public");
        body["privateToken"] = json!("private");
        json_of(self.ecommerce("/refund").json(&body)).await
    }

    async fn report(&self, from: &str, to: &str) -> Value {
        let body = json!({ "publicToken": "public", "privateToken": "private", "fromDate": from, "toDate": to });
        json_of(self.get("/transactions/v4/transactionReport").json(&body)).await
    }

    async fn update_phone(&self, id: &EcommerceId, token: &str, number: &str) -> Value {
        let body = json!({ "ecommerceId": id.to_string(), "phoneNumber": number });
        let url = format!("{}/api/business-transaction/ecommerce/business/updatePhoneNumber", self.simulator.url());
        json_of(self.client.put(url).bearer_auth(token).json(&body)).await
    }

    async fn create_for(&self, phone: &str) -> Value {
        let body = json!({
            "env": "production", "publicToken": "public", "total": "27.86", "metadata1": "order-7", "metadata2": "web",
            "items": [], "phoneNumber": phone,
        });
        json_of(self.ecommerce("/payment").json(&body)).await
    }

    /// A paid payment of 25.00.
    fn paid(&self) -> (EcommerceId, String) {
        let id = self.simulator.insert(payment(2500).status(Status::Completed).metadata_1("order-7"));
        (id, self.simulator.payment(&id).unwrap().reference_number.unwrap().to_string())
    }
}

fn written(moment: Timestamp) -> String {
    Offset::constant(-4).to_datetime(moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[tokio::test]
async fn a_refund_is_a_movement_of_its_own_and_adds_up() {
    let shop = Shop::open().await;
    let (id, reference) = shop.paid();
    let first = shop.refund(json!({ "referenceNumber": reference, "amount": "5.00", "message": "Sorry" })).await;
    assert_eq!(first["status"], "success", "{first}");
    let (refund, original) = (&first["data"]["refund"], &first["data"]["originalTransaction"]);
    assert_eq!((&refund["transactionType"], &refund["status"]), (&json!("REFUND"), &json!("COMPLETED")));
    assert_eq!((&refund["refundedAmount"], &refund["dailyTransactionID"]), (&json!(5), &json!("0002")));
    assert!(text(&refund["date"]).parse::<i64>().unwrap() > 1_700_000_000_000);
    assert_eq!((&original["transactionType"], &original["totalRefundedAmount"]), (&json!("PAYMENT"), &json!(5)));
    assert_eq!(original["referenceNumber"], reference);

    let second = shop.refund(json!({ "referenceNumber": format!("{reference} "), "amount": 20 })).await;
    assert_eq!(second["data"]["originalTransaction"]["totalRefundedAmount"], 25);
    assert_ne!(second["data"]["refund"]["referenceNumber"], refund["referenceNumber"]);
    assert_eq!(shop.find(&id).await["data"]["totalRefundedAmount"], 25);
    let refunds: Vec<_> = shop.simulator.refunds(&id).iter().map(|refund| refund.total.cents()).collect();
    assert_eq!(refunds, [500, 2000]);

    let again = shop.refund(json!({ "referenceNumber": reference, "amount": "0.01" })).await;
    assert_eq!(again["errorcode"], "BTRA_0030");
}

#[tokio::test]
async fn each_rule_of_a_refund_has_its_code() {
    let shop = Shop::open().await;
    let (_, reference) = shop.paid();
    let long = "x".repeat(51);
    for (body, code) in [
        (json!({ "amount": "1.00" }), "BTRA_0019"),
        (json!({ "referenceNumber": reference }), "BTRA_0019"),
        (json!({ "referenceNumber": "215-00ff", "amount": "1.00" }), "BTRA_0053"),
        (json!({ "referenceNumber": reference, "amount": "0.00" }), "BTRA_0013"),
        (json!({ "referenceNumber": reference, "amount": "much" }), "BTRA_0006"),
        (json!({ "referenceNumber": reference, "amount": "25.01" }), "BTRA_0030"),
        (json!({ "referenceNumber": reference, "amount": "1.00", "message": long }), "BTRA_0040"),
    ] {
        assert_eq!(shop.refund(body.clone()).await["errorcode"], code, "{body}");
    }
    let body = json!({ "publicToken": "public", "referenceNumber": reference, "amount": "1.00" });
    assert_eq!(json_of(shop.ecommerce("/refund").json(&body)).await["errorcode"], "BTRA_0017");
    assert_eq!(shop.simulator.payments().len(), 1);
}

#[tokio::test]
async fn a_refund_with_the_payments_reference_is_found_by_it() {
    let simulator = Simulator::builder().refund_reference(RefundReference::Payment).start().await.unwrap();
    let shop = Shop::with(simulator);
    let (id, reference) = shop.paid();
    let refund = shop.simulator.refund(&id, Amount::from_cents(500)).unwrap();
    assert_eq!(shop.simulator.payment(&refund).unwrap().refund_of, Some(id));

    let found = shop.search(json!({ "referenceNumber": reference })).await;
    let kinds: Vec<_> = found.as_array().unwrap().iter().map(|found| text(&found["transactionType"])).collect();
    assert_eq!(kinds, ["ECOMMERCE", "REFUND"]);
    let error = shop.simulator.refund(&id, Amount::from_cents(2001)).unwrap_err();
    assert!(matches!(error, SimulatorError::NotRefundable { left, .. } if left == Amount::from_cents(2000)));
}

#[tokio::test]
async fn the_report_spells_its_fields_differently() {
    let shop = Shop::open().await;
    let now = Timestamp::now();
    let at = |seconds: i64| now - jiff::SignedDuration::from_secs(seconds);
    let paid = |cents| payment(cents).status(Status::Completed);
    let id = shop.simulator.insert(paid(1000).date(at(60)));
    shop.simulator.insert(paid(2000).date(at(120)));
    shop.simulator.insert(paid(3000).kind(TransactionKind::Donation).date(at(7200)));
    shop.simulator.insert(payment(4000));
    shop.simulator.refund(&id, Amount::from_cents(300)).unwrap();

    let report = shop.report(&written(at(3600)), &written(at(30))).await;
    let entries = report.as_array().unwrap();
    let total = |entry: &Value| entry["total"].as_i64().unwrap();
    assert_eq!(entries.iter().map(total).collect::<Vec<_>>(), [10, 20]);
    assert_eq!((&entries[0]["transactionType"], &entries[0]["totalRefundAmount"]), (&json!("eCommerce"), &json!(3)));
    assert_eq!(entries[0].get("totalRefundedAmount"), None);
    assert!(text(&entries[0]["date"]).ends_with(".0"));
    assert!(entries[0]["dailyTransactionID"].is_number());
    assert!(!text(&entries[0]["referenceNumber"]).ends_with(' '));
    assert!(text(&entries[1]["referenceNumber"]).ends_with(' '));

    let everything = shop.report(&written(at(7200)), &written(now)).await;
    let kinds: Vec<_> = everything.as_array().unwrap().iter().map(|entry| text(&entry["transactionType"])).collect();
    assert_eq!(kinds, ["REFUND", "eCommerce", "eCommerce", "DONATION"]);
}

#[tokio::test]
async fn a_report_with_bad_dates_is_refused_with_http_200() {
    let shop = Shop::open().await;
    let now = Timestamp::now();
    let (hour_ago, tomorrow) =
        (written(now - jiff::SignedDuration::from_hours(1)), written(now + jiff::SignedDuration::from_hours(24)));
    let (now, long_ago) = (written(now), written(now - jiff::SignedDuration::from_hours(24 * 31)));
    for (from, to, code) in [
        ("yesterday", now.as_str(), "BTRA_0023"),
        (&hour_ago, "", "BTRA_0024"),
        (&now, &hour_ago, "BTRA_0025"),
        (&long_ago, &now, "BTRA_0026"),
        (&tomorrow, &tomorrow, "BTRA_0047"),
        (&hour_ago, &tomorrow, "BTRA_0048"),
        (&hour_ago, &now, "BTRA_0046"),
    ] {
        assert_eq!(shop.report(from, to).await["errorcode"], code, "{from} to {to}");
    }
}

#[tokio::test]
async fn an_open_payment_is_sent_to_another_phone() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;
    let answer = shop.update_phone(&id, &token, "7875550188").await;
    assert!(answer["status"] == "success" && answer["data"].is_string(), "{answer}");
    assert_eq!(shop.simulator.payment(&id).unwrap().customer.phone.as_deref(), Some("7875550188"));

    assert_eq!(shop.update_phone(&id, &token, "911").await["errorcode"], "BTRA_0006");
    assert_eq!(shop.update_phone(&id, "made-up", "7875550188").await["errorcode"], "token.invalid.header");
    let (_, anothers) = shop.create().await;
    assert_eq!(shop.update_phone(&id, &anothers, "7875550188").await["errorcode"], "BTRA_0043");
    shop.simulator.approve(&id).unwrap();
    assert_eq!(shop.update_phone(&id, &token, "7875550188").await["errorcode"], "BTRA_0035");
}

#[tokio::test]
async fn test_phones_react_at_once() {
    let shop = Shop::open().await;
    let created = async |phone: TestPhone| -> EcommerceId {
        text(&shop.create_for(phone.number()).await["data"]["ecommerceId"]).parse().unwrap()
    };
    assert_eq!(shop.status(&created(TestPhone::Approves).await).await, "CONFIRM");
    assert_eq!(shop.status(&created(TestPhone::Declines).await).await, "CANCEL");
    assert_eq!(shop.create_for(TestPhone::Blocked.number()).await["errorcode"], "BTRA_0002");

    let id = created(TestPhone::OverLimit).await;
    assert_eq!(shop.status(&id).await, "OPEN");
    shop.simulator.approve(&id).unwrap();
    let token = shop.simulator.auth_token(&id).unwrap();
    assert_eq!(shop.authorize(&token).await["errorcode"], "BTRA_0045");
    assert_eq!(shop.status(&id).await, "CANCEL");

    let (id, token) = shop.create().await;
    shop.update_phone(&id, &token, TestPhone::Declines.number()).await;
    assert_eq!(shop.status(&id).await, "CANCEL");
}

#[tokio::test]
async fn payments_expire_early_on_a_fast_clock() {
    let shop = Shop::with(Simulator::builder().clock_speed(100_000).start().await.unwrap());
    let (id, _) = shop.create().await;
    let expired = async { while shop.status(&id).await != "CANCEL" {} };
    tokio::time::timeout(Duration::from_secs(30), expired).await.unwrap();
    assert_eq!(shop.simulator.payment(&id).unwrap().status, Status::Expired);
}
