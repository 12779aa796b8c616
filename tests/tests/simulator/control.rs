//! The control endpoints and the page.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Item, Status, TransactionKind};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{Shop, json_of, payment, send, text};

#[tokio::test]
async fn an_inserted_payment_is_answered_as_by_find() {
    let shop = Shop::open().await;
    let id = "1f2a6c0e-8d4b-11ef-9c3a-0242ac120002";
    let seed = json!({
        "ecommerceStatus": "COMPLETED", "ecommerceId": id, "referenceNumber": "215-00ff", "businessCustomerId": "another",
        "transactionDate": "2026-03-01 18:04:59", "dailyTransactionId": "0042", "businessName": "Café Aurora",
        "businessPath": "aurora", "industry": "FOOD", "subTotal": "9", "tax": 1, "total": 10.5, "fee": 0.23999999463558197,
        "netAmount": "10.26", "totalRefundedAmount": null, "metadata1": "order-9", "metadata2": "", "isNonProfit": true,
        "items": [{ "name": "Coffee", "quantity": "3", "price": 3.5 }],
    });
    let response = send(shop.post("/simulator/payments").json(&seed)).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let answer: Value = response.json().await.unwrap();
    let expected = json!({
        "ecommerceStatus": "COMPLETED", "ecommerceId": id, "referenceNumber": "215-00ff", "businessCustomerId": "another",
        "transactionDate": "2026-03-01 18:04:59", "dailyTransactionId": "0042", "businessName": "Café Aurora",
        "businessPath": "aurora", "industry": "FOOD", "subTotal": 9, "tax": 1, "total": 10.5, "fee": 0.23999999463558197,
        "netAmount": 10.26, "totalRefundedAmount": 0, "metadata1": "order-9", "metadata2": "", "isNonProfit": true,
        "items": [{
            "name": "Coffee", "description": "", "quantity": 3, "price": 3.5, "tax": 0, "metadata": "",
            "formattedPrice": "", "sku": "",
        }],
    });
    assert_eq!(answer, json!({ "status": "success", "data": expected }));
    assert_eq!(shop.find(&id.parse().unwrap()).await, answer);
}

#[tokio::test]
async fn an_empty_object_inserts_an_open_payment() {
    let shop = Shop::open().await;
    let answer = json_of(shop.post("/simulator/payments").body("{}")).await;
    let id = text(&answer["data"]["ecommerceId"]).parse().unwrap();
    assert_eq!(shop.status(&id).await, "OPEN");
}

#[tokio::test]
async fn a_bad_field_is_refused_by_its_name() {
    let shop = Shop::open().await;
    for (body, field) in [
        (json!({ "total": "much" }), json!("total")),
        (json!({ "items": [{ "price": [] }] }), json!("items[0].price")),
        (json!({ "status": "success", "data": {} }), json!("data")),
        (json!([]), Value::Null),
    ] {
        let response = send(shop.post("/simulator/payments").json(&body)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["field"], field, "{body}");
        assert!(answer["error"].is_string(), "{body}");
    }
    assert_eq!(shop.simulator.payments(), []);
}

#[tokio::test]
async fn a_donation_is_found_by_search_and_not_by_find() {
    let shop = Shop::open().await;
    let seed =
        json!({ "transactionType": "donation", "status": "completed", "referenceNumber": "77-ab", "total": "5.00" });
    let answer = json_of(shop.post("/simulator/payments").json(&seed)).await;
    let found = shop.search(json!({ "referenceNumber": "77-ab" })).await;
    assert_eq!((&found["transactionType"], &found["total"]), (&json!("DONATION"), &json!(5)));
    let id: EcommerceId = text(&answer["data"]["ecommerceId"]).parse().unwrap();
    assert_eq!(shop.find(&id).await["errorcode"], "BTRA_0031");
    assert_eq!(shop.simulator.payment(&id).unwrap().kind, TransactionKind::Donation);
}

#[tokio::test]
async fn pages_of_any_origin_can_tell_expired_from_cancelled() {
    let shop = Shop::open().await;
    let outcome = async |id: &EcommerceId| -> String {
        let request = shop.get(&format!("/simulator/payments/{id}")).header("Origin", "http://127.0.0.1:8080");
        let response = send(request).await;
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["find"]["data"]["ecommerceId"], json!(id.to_string()));
        text(&answer["outcome"])
    };
    let insert = |status| shop.simulator.insert(payment(100).status(status));
    for status in [Status::Open, Status::Confirmed, Status::Completed, Status::Cancelled, Status::Expired] {
        assert_eq!(outcome(&insert(status.clone())).await, status.to_string());
    }
    let id = insert(Status::Open);
    shop.simulator.skip(Duration::from_secs(600));
    assert_eq!(outcome(&id).await, "expired");

    let unknown = send(shop.get("/simulator/payments/1f2a6c0e-8d4b-11ef-9c3a-0242ac120002")).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn the_phone_shows_a_payment_and_its_buttons_decide() {
    let shop = Shop::open().await;
    let item = Item::new("Mug", Amount::from_cents(1350)).quantity(2);
    let id = shop.simulator.insert(payment(2700).metadata_1("order-7").item(item));
    let page = send(shop.get("/")).await.text().await.unwrap();
    let approve = format!("/simulator/payments/{id}/approve");
    for shown in ["27.00", "Mug", "order-7", &approve] {
        assert!(page.contains(shown), "{shown} in {page}");
    }

    let response = send(shop.post(&approve).header("Origin", shop.simulator.url())).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()["location"], "/");
    assert_eq!(shop.status(&id).await, "CONFIRM");

    // A second press, on an outdated page: a program receives an error, a person the page.
    let again = send(shop.post(&approve)).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(again.json::<Value>().await.unwrap()["error"].is_string());
    let again = send(shop.post(&approve).header("Accept", "text/html,*/*")).await;
    assert_eq!(again.status(), StatusCode::SEE_OTHER);

    send(shop.post(&format!("/simulator/payments/{id}/decline"))).await;
    assert_eq!(shop.simulator.payment(&id).unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn time_advances_by_form_and_by_json() {
    let shop = Shop::open().await;
    let id = shop.simulator.insert(payment(100));
    let time = || shop.post("/simulator/time");
    let form = time().header("Content-Type", "application/x-www-form-urlencoded").body("seconds=120");
    assert_eq!(send(form).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(shop.status(&id).await, "OPEN");
    assert_eq!(send(time().json(&json!({ "seconds": 480 }))).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(shop.status(&id).await, "CANCEL");

    let bad = send(time().json(&json!({ "seconds": -1 }))).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    assert_eq!(bad.json::<Value>().await.unwrap()["field"], "seconds");
}

#[tokio::test]
async fn the_checkout_script_is_served_at_the_providers_path() {
    let shop = Shop::open().await;
    let response = send(shop.get("/api/modal/js/athmovil_base.js")).await;
    assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
    let script = response.text().await.unwrap();
    for name in ["ATHMovil_Checkout_Button_payment", "ATHM_Checkout", "authorizationATHM", "cancelATHM", "expiredATHM"]
    {
        assert!(script.contains(name), "{name}");
    }
}

#[tokio::test]
async fn money_without_a_checkout_is_received_by_form_and_by_json() {
    let shop = Shop::open().await;
    let received = || shop.post("/simulator/received");
    let form = received().header("Content-Type", "application/x-www-form-urlencoded");
    let form = form.body("kind=donation&total=5.00&message=For+the+roof");
    assert_eq!(send(form).await.status(), StatusCode::SEE_OTHER);
    send(received().json(&json!({ "kind": "payment", "total": "7.50" }))).await;
    let payments = shop.simulator.payments();
    assert_eq!([&payments[0].kind, &payments[1].kind], [&TransactionKind::Donation, &TransactionKind::Payment]);
    assert_eq!(payments[0].customer.message.as_deref(), Some("For the roof"));
    assert_eq!(payments[1].total, Amount::from_cents(750));

    for (body, field) in [
        (json!({ "kind": "gift", "total": "1.00" }), "kind"),
        (json!({ "kind": "payment", "total": "-1.00" }), "total"),
        (json!({ "total": "1.00" }), "kind"),
    ] {
        assert_eq!(json_of(received().json(&body)).await["field"], field, "{body}");
    }
}

#[tokio::test]
async fn the_business_refunds_what_is_left() {
    let shop = Shop::open().await;
    let id = shop.simulator.insert(payment(2500).status(Status::Completed).refunded_amount(Amount::from_cents(500)));
    let refund = || shop.post(&format!("/simulator/payments/{id}/refund"));
    assert_eq!(send(refund()).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(shop.simulator.refunds(&id)[0].total, Amount::from_cents(2000));
    assert_eq!(send(refund()).await.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn faults_are_queued_shown_and_cleared() {
    let shop = Shop::open().await;
    let id = shop.simulator.insert(payment(100));
    let queue = |body: Value| send(shop.post("/simulator/faults").json(&body));
    queue(json!({ "fault": "reject=BTRA_9998", "endpoint": "find" })).await;
    queue(json!({ "fault": "timeout" })).await;
    send(shop.post("/simulator/webhook-faults").json(&json!({ "fault": "forged" }))).await;
    let page = send(shop.get("/")).await.text().await.unwrap();
    for shown in ["find: reject=BTRA_9998", "any request: timeout", "webhook: forged"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert_eq!(shop.find(&id).await["errorcode"], "BTRA_9998");
    send(shop.post("/simulator/faults/clear")).await;
    assert_eq!(shop.status(&id).await, "OPEN");

    let page = send(shop.get("/")).await.text().await.unwrap();
    assert!(page.contains("reject=BTRA_9998</span><span class=\"answer bad\">409</span>"), "{page}");
    for (body, field) in
        [(json!({ "fault": "oops" }), "fault"), (json!({ "fault": "bom", "endpoint": "teleport" }), "endpoint")]
    {
        assert_eq!(queue(body).await.json::<Value>().await.unwrap()["field"], field);
    }
}
