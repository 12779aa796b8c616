//! Opening, finding, authorizing, cancelling and searching.

use std::time::Duration;

use athm_core::Status;
use athm_simulator::Simulator;
use serde_json::{Value, json};

use crate::{Shop, json_of, payment, text};

#[tokio::test]
async fn a_payment_is_opened_approved_and_authorized() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;

    let open = shop.find(&id).await;
    assert_eq!(open["data"]["ecommerceStatus"], "OPEN");
    assert_eq!(open["data"]["referenceNumber"], "");
    assert_eq!(open["data"]["transactionDate"], "");
    assert_eq!(open["data"]["total"], 27.86);
    assert_eq!(open["data"]["items"][0]["price"], 24.99);

    shop.simulator.approve(&id).unwrap();
    assert_eq!(shop.status(&id).await, "CONFIRM");

    let paid = shop.authorize(&token).await;
    assert_eq!(paid["status"], "success");
    assert_eq!(paid["data"]["ecommerceStatus"], "COMPLETED");
    assert_eq!(paid["data"]["dailyTransactionId"], "0001");
    assert_eq!(paid["data"]["netAmount"], 27.23);
    // 0.63, once a 32-bit float has held it.
    assert_eq!(paid["data"]["fee"].to_string(), "0.6299999952316284");
    assert_eq!(text(&paid["data"]["transactionDate"]).len(), "2026-03-01 18:04:59".len());
    assert_eq!(shop.find(&id).await, paid);
}

#[tokio::test]
async fn search_and_find_agree_on_a_completed_payment() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;
    assert_eq!(shop.search(json!({ "metadata1": "order-7" })).await["errorCode"], "5010");
    shop.simulator.approve(&id).unwrap();
    let paid = shop.authorize(&token).await["data"].clone();

    let found = shop.search(json!({ "referenceNumber": paid["referenceNumber"] })).await;
    assert_eq!(found["transactionType"], "ECOMMERCE");
    assert_eq!(found["status"], "COMPLETED");
    assert_eq!(found["date"], json!(format!("{}.0", text(&paid["transactionDate"]))));
    assert_eq!(found["dailyTransactionID"], 1);
    assert_eq!(found["subtotal"], paid["subTotal"]);
    assert_eq!(found["fee"], 0.63);
    for key in ["total", "tax", "netAmount", "totalRefundedAmount", "metadata1", "metadata2", "referenceNumber"] {
        assert_eq!(found[key], paid[key], "{key}");
    }
    for key in ["name", "phoneNumber", "email", "message"] {
        assert!(found[key].is_string(), "{key}");
    }
}

#[tokio::test]
async fn search_matches_every_field_that_is_given_exactly() {
    let shop = Shop::open().await;
    let completed = |cents| payment(cents).status(Status::Completed).metadata_1("order-7");
    shop.simulator.insert(completed(100).customer_phone("7875550101").customer_name("Inés").metadata_2("first"));
    shop.simulator.insert(completed(200).customer_email("ana@shop.example").metadata_2("second"));

    for (query, metadata_2) in [
        (json!({ "phoneNumber": "(787) 555-0101" }), "first"),
        (json!({ "name": "Inés" }), "first"),
        (json!({ "email": "ana@shop.example" }), "second"),
        (json!({ "total": "2.00" }), "second"),
        (json!({ "total": 1, "metadata1": "order-7" }), "first"),
        (json!({ "dailyTransactionID": "0002" }), "second"),
        (json!({ "dailyTransactionID": 2 }), "second"),
        (json!({ "metadata2": "first" }), "first"),
    ] {
        assert_eq!(shop.search(query.clone()).await["metadata2"], metadata_2, "{query}");
    }
    for query in [
        json!({ "phoneNumber": "7875550101" }),
        json!({ "name": "inés" }),
        json!({ "total": 1, "metadata2": "second" }),
    ] {
        assert_eq!(shop.search(query.clone()).await["errorCode"], "5010", "{query}");
    }
    assert_eq!(shop.search(json!({ "metadata1": "order-7" })).await.as_array().unwrap().len(), 2);
    assert_eq!(shop.search(json!({})).await["errorCode"], "4010");
}

#[tokio::test]
async fn cancelled_and_expired_are_both_reported_as_cancel() {
    let shop = Shop::open().await;
    let (declined, _) = shop.create().await;
    let (withdrawn, _) = shop.create().await;
    let (expired, _) = shop.create().await;

    shop.simulator.decline(&declined).unwrap();
    let body = json!({ "ecommerceId": withdrawn.to_string(), "publicToken": "public" });
    let answer = json_of(shop.ecommerce("/business/cancel").json(&body)).await;
    assert!(answer["status"] == "success" && answer["data"].is_string(), "{answer}");
    assert_eq!(shop.status(&expired).await, "OPEN");
    shop.simulator.skip(Duration::from_secs(300));

    for id in [&declined, &withdrawn, &expired] {
        assert_eq!(shop.status(id).await, "CANCEL");
    }
    let status = |id| shop.simulator.payment(id).unwrap().status;
    assert_eq!([status(&declined), status(&withdrawn)], [Status::Cancelled, Status::Cancelled]);
    assert_eq!(status(&expired), Status::Expired);
    let again = json_of(shop.ecommerce("/business/cancel").json(&body)).await;
    assert_eq!(again["errorcode"], "BTRA_0037");
}

#[tokio::test]
async fn an_approved_payment_expires_unless_authorized() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;
    shop.simulator.approve(&id).unwrap();
    shop.simulator.skip(Duration::from_secs(301));
    assert_eq!(shop.authorize(&token).await["errorcode"], "BTRA_0032");
    assert_eq!(shop.status(&id).await, "CANCEL");
}

#[tokio::test]
async fn parallel_authorizations_move_money_once() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;
    assert_eq!(shop.authorize(&token).await["errorcode"], "BTRA_0032");
    shop.simulator.approve(&id).unwrap();

    let answers = tokio::join!(shop.authorize(&token), shop.authorize(&token), shop.authorize(&token));
    let answers = [answers.0, answers.1, answers.2];
    assert_eq!(answers.iter().filter(|answer| answer["status"] == "success").count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer["errorcode"] == "BTRA_0032").count(), 2);
}

#[tokio::test]
async fn every_endpoint_checks_its_tokens() {
    let shop = Shop::open().await;
    let find = |body: Value| json_of(shop.ecommerce("/business/findPayment").json(&body));
    assert_eq!(find(json!({ "ecommerceId": "x" })).await["errorcode"], "BTRA_0017");
    assert_eq!(find(json!({ "ecommerceId": "x", "publicToken": "" })).await["errorcode"], "BTRA_0017");
    assert_eq!(find(json!({ "ecommerceId": "x", "publicToken": "p" })).await["errorcode"], "BTRA_0031");

    let search = |body: Value| json_of(shop.post("/api/v4/searchTransaction").json(&body));
    assert_eq!(search(json!({ "total": 1 })).await["errorCode"], "3030");
    assert_eq!(search(json!({ "total": 1, "publicToken": "p" })).await["errorCode"], "3060");

    let (_, token) = shop.create().await;
    assert_eq!(json_of(shop.ecommerce("/authorization")).await["errorcode"], "token.invalid.header");
    assert_eq!(shop.authorize("made-up").await["errorcode"], "token.invalid.header");
    shop.simulator.skip(Duration::from_secs(901));
    assert_eq!(shop.authorize(&token).await["errorcode"], "token.expired");
}

#[tokio::test]
async fn a_simulator_with_tokens_of_its_own_refuses_others() {
    let simulator = Simulator::builder().public_token("ours").private_token("secret").start().await.unwrap();
    let shop = Shop::with(simulator);
    let body = json!({ "ecommerceId": "x", "publicToken": "theirs" });
    assert_eq!(json_of(shop.ecommerce("/business/findPayment").json(&body)).await["errorcode"], "BTRA_0017");

    let search = |public: &str, private: &str| {
        let body = json!({ "total": 1, "publicToken": public, "privateToken": private });
        json_of(shop.post("/api/v4/searchTransaction").json(&body))
    };
    assert_eq!(search("theirs", "secret").await["errorCode"], "3010");
    assert_eq!(search("ours", "theirs").await["errorCode"], "3040");
    assert_eq!(search("ours", "secret").await["errorCode"], "5010");
}
