//! The simulator, asked over HTTP as the provider is, and told in Rust what the customer does.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::collections::HashSet;
use std::time::Duration;

use athm_actix::simulator::{Outage, SimulatedPayment, Simulator, SimulatorError};
use athm_core::{Amount, EcommerceId, Item, Status, TransactionKind};
use athm_tests::http_client;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// A simulator, and a merchant's server that talks to it.
struct Shop {
    simulator: Simulator,
    client: Client,
}

impl Shop {
    async fn open() -> Self {
        Self::with(Simulator::start().await.unwrap())
    }

    fn with(simulator: Simulator) -> Self {
        Self { simulator, client: http_client() }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.simulator.url()))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.simulator.url()))
    }

    fn ecommerce(&self, path: &str) -> RequestBuilder {
        self.post(&format!("/api/business-transaction/ecommerce{path}"))
    }

    /// Opens a payment of 27.86; its id, and the token that authorizes it.
    async fn create(&self) -> (EcommerceId, String) {
        let body = json!({
            "env": "production", "publicToken": "public", "timeout": "300", "total": "27.86", "tax": 2.87, "subtotal": "24.99",
            "metadata1": "order-7", "metadata2": "web",
            "items": [{"name": "Mug", "description": "Blue", "quantity": "1", "price": "24.99", "tax": null, "metadata": null}],
        });
        let answer = json_of(self.ecommerce("/payment").json(&body)).await;
        assert_eq!(answer["status"], "success", "{answer}");
        let data = answer["data"].as_object().unwrap();
        assert_eq!(data.keys().collect::<Vec<_>>(), ["auth_token", "ecommerceId"]);
        (text(&answer["data"]["ecommerceId"]).parse().unwrap(), text(&answer["data"]["auth_token"]))
    }

    async fn find(&self, id: &EcommerceId) -> Value {
        let body = json!({ "ecommerceId": id.to_string(), "publicToken": "public" });
        json_of(self.ecommerce("/business/findPayment").json(&body)).await
    }

    async fn status(&self, id: &EcommerceId) -> String {
        text(&self.find(id).await["data"]["ecommerceStatus"])
    }

    async fn authorize(&self, token: &str) -> Value {
        json_of(self.ecommerce("/authorization").bearer_auth(token)).await
    }

    async fn search(&self, mut query: Value) -> Value {
        query["publicToken"] = json!("public");
        query["privateToken"] = json!("private");
        json_of(self.post("/api/v4/searchTransaction").json(&query)).await
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

async fn json_of(request: RequestBuilder) -> Value {
    send(request).await.json().await.unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("expected a text, found {value}")).to_owned()
}

fn payment(cents: i64) -> SimulatedPayment {
    SimulatedPayment::new(Amount::from_cents(cents))
}

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
async fn search_tells_of_a_completed_payment_what_find_does() {
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
async fn both_ways_to_lose_a_payment_are_told_as_cancel() {
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
async fn an_approved_payment_that_nobody_authorizes_expires() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;
    shop.simulator.approve(&id).unwrap();
    shop.simulator.skip(Duration::from_secs(301));
    assert_eq!(shop.authorize(&token).await["errorcode"], "BTRA_0032");
    assert_eq!(shop.status(&id).await, "CANCEL");
}

#[tokio::test]
async fn money_moves_once_however_many_ask_for_it() {
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
async fn tokens_are_checked_on_every_way_in() {
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

#[tokio::test]
async fn a_seed_is_answered_as_find_answers_it() {
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
async fn an_empty_seed_is_an_open_payment() {
    let shop = Shop::open().await;
    let answer = json_of(shop.post("/simulator/payments").body("{}")).await;
    let id = text(&answer["data"]["ecommerceId"]).parse().unwrap();
    assert_eq!(shop.status(&id).await, "OPEN");
}

#[tokio::test]
async fn a_bad_seed_is_refused_by_the_name_of_its_field() {
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
async fn a_donation_has_no_ticket_and_is_searched_for() {
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
async fn the_outcome_tells_expired_from_cancelled_to_pages_of_any_origin() {
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

    // A second press, of a page that is older: a program is told, a person sees the phone.
    let again = send(shop.post(&approve)).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(again.json::<Value>().await.unwrap()["error"].is_string());
    let again = send(shop.post(&approve).header("Accept", "text/html,*/*")).await;
    assert_eq!(again.status(), StatusCode::SEE_OTHER);

    send(shop.post(&format!("/simulator/payments/{id}/decline"))).await;
    assert_eq!(shop.simulator.payment(&id).unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn time_is_skipped_by_form_and_by_json() {
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
async fn pages_of_other_sites_can_change_nothing() {
    let shop = Shop::open().await;
    let id = shop.simulator.insert(payment(100));
    let approve = || shop.post(&format!("/simulator/payments/{id}/approve"));
    let create = || {
        shop.ecommerce("/payment").json(&json!({ "publicToken": "p", "total": 1, "metadata1": "a", "metadata2": "b" }))
    };

    for request in [
        approve().header("Origin", "https://elsewhere.example"),
        approve().header("Origin", "null"),
        approve().header("Host", "elsewhere.example"),
        create().header("Origin", "http://127.0.0.1:1"),
        create().header("Host", "elsewhere.example:9001"),
        shop.get("/").header("Host", "elsewhere.example"),
        shop.get(&format!("/simulator/payments/{id}")).header("Host", "127.0.0.1.elsewhere.example"),
    ] {
        let response = send(request).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(response.json::<Value>().await.unwrap()["error"].is_string());
    }
    assert_eq!(shop.simulator.payments().len(), 1);
    assert_eq!(shop.simulator.payment(&id).unwrap().status, Status::Open);
}

#[tokio::test]
async fn an_outage_fails_the_provider_and_leaves_the_phone() {
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

#[tokio::test]
async fn requests_are_counted_with_their_answers_and_without_tokens() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;
    shop.find(&id).await;
    shop.find(&id).await;
    shop.authorize(&token).await;
    send(shop.get("/nowhere?token=public")).await;

    let log: Vec<_> = shop.simulator.requests().into_iter().map(|r| (r.method, r.path, r.status)).collect();
    let ecommerce =
        |path: &str, status| ("POST".to_owned(), format!("/api/business-transaction/ecommerce{path}"), status);
    assert_eq!(
        log,
        [
            ecommerce("/payment", 200),
            ecommerce("/business/findPayment", 200),
            ecommerce("/business/findPayment", 200),
            ecommerce("/authorization", 409),
            ("GET".to_owned(), "/nowhere".to_owned(), 404),
        ]
    );
}

#[tokio::test]
async fn the_checkout_script_is_served_where_the_provider_has_it() {
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
async fn ids_tokens_and_references_are_never_given_twice() {
    let shop = Shop::open().await;
    let mut seen = HashSet::new();
    for _ in 0..50 {
        let id = shop.simulator.insert(payment(100).status(Status::Completed));
        let reference = shop.simulator.payment(&id).unwrap().reference_number.unwrap();
        for name in [id.to_string(), reference.to_string(), shop.simulator.auth_token(&id).unwrap()] {
            assert!(seen.insert(name));
        }
    }
}

#[tokio::test]
async fn stopping_frees_the_port_and_keeps_what_was_recorded() {
    let simulator = Simulator::start().await.unwrap();
    let port = simulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let id = simulator.insert(payment(100));
    let taken = Simulator::builder().port(port).start().await.unwrap_err();
    assert!(matches!(taken, SimulatorError::Bind { port: found, .. } if found == port));

    simulator.stop().await;
    simulator.stop().await;
    assert!(simulator.payment(&id).is_some());
    let next = Simulator::builder().port(port).start().await.unwrap();
    assert_eq!(next.url(), simulator.url());
}

#[tokio::test]
async fn dropping_the_last_handle_stops_it() {
    let simulator = Simulator::start().await.unwrap();
    let clone = simulator.clone();
    let url = simulator.url().to_owned();
    drop(simulator);
    let client = http_client();
    assert_eq!(client.get(&url).send().await.unwrap().status(), StatusCode::OK);
    drop(clone);
    let gone = async { while client.get(&url).send().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[actix_web::test]
async fn it_runs_under_actix_too() {
    let shop = Shop::open().await;
    let (id, _) = shop.create().await;
    assert_eq!(shop.status(&id).await, "OPEN");
    shop.simulator.stop().await;
}

#[test]
fn a_handle_is_shared_among_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Simulator>();
}

#[ctor::ctor(unsafe)]
fn search_the_log() {
    athm_tests::secrecy::watch();
}
