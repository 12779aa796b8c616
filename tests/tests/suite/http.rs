//! What goes over HTTP: the default service, and callbacks of one's own beside it and in its place.

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{App, Error, HttpResponse, ResponseError, test, web};
use athm_actix::{Athm, Callback, CallbackConfig, Sender, Status, UnexpectedTotal};
use athm_core::Amount;
use athm_core::deliveries::DeliveryState;
use athm_core::errors::{DismissError, InvalidRefund, OperationError, ReplayError, StoreError};
use athm_core::ids::{RefundId, TransactionId};
use athm_core::provider::{InvalidRequest, ProviderError};
use athm_simulator::{Outage, SimulatedPayment};
use athm_tests::{completed_payment, ecommerce_id};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::SimulatorFixture;

type Answer = (StatusCode, Value);

async fn post<S, B>(app: &S, path: &str, body: Value) -> Answer
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    answer(app, test::TestRequest::post().uri(path).set_json(body)).await
}

async fn answer<S, B>(app: &S, request: test::TestRequest) -> Answer
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let response = test::call_service(app, request.to_request()).await;
    let status = response.status();
    let body = test::read_body(response).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

macro_rules! app {
    ($fixture:expr) => {
        test::init_service(App::new().service(athm_actix::scope("/athm", &$fixture.athm))).await
    };
}

#[actix_web::test]
async fn each_result_has_its_http_status_and_contains_no_payment_data() {
    let fixture = SimulatorFixture::open().await;
    let app = app!(fixture);
    let done = fixture.simulator.insert(completed_payment());
    let open = fixture.simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)));
    for (path, body, status, result) in [
        ("/athm/callback", json!({ "ecommerceId": done, "status": "COMPLETED" }), StatusCode::CREATED, "recorded"),
        ("/athm/webhook", json!({ "ecommerceId": done, "status": "COMPLETED" }), StatusCode::OK, "known"),
        ("/athm/callback", json!({ "ecommerceId": open, "status": "COMPLETED" }), StatusCode::ACCEPTED, "pending"),
        ("/athm/callback", json!({ "ecommerceId": ecommerce_id(1) }), StatusCode::UNPROCESSABLE_ENTITY, "refused"),
    ] {
        assert_eq!(post(&app, path, body.clone()).await, (status, json!({ "result": result })), "{body}");
    }
    assert_eq!(fixture.noted().await, ["received by callback", "completed by callback"]);
}

#[actix_web::test]
async fn a_form_is_answered_like_json() {
    let fixture = SimulatorFixture::open().await;
    let app = app!(fixture);
    let id = fixture.simulator.insert(completed_payment());
    let form = format!("ecommerceId={id}&status=completed&items=%5B%5D");
    let request = test::TestRequest::post().uri("/athm/callback").set_payload(form);
    let request = request.insert_header(("content-type", "application/x-www-form-urlencoded; charset=UTF-8"));
    assert_eq!(answer(&app, request).await, (StatusCode::CREATED, json!({ "result": "recorded" })));
}

#[actix_web::test]
async fn an_unreadable_body_is_answered_400_with_the_field_and_the_reason() {
    let fixture = SimulatorFixture::open().await;
    let app = app!(fixture);
    let (status, body) = post(&app, "/athm/callback", json!({ "ecommerceId": "7", "total": "lots" })).await;
    assert_eq!(
        (status, &body["error"], &body["field"]),
        (StatusCode::BAD_REQUEST, &json!("unreadable"), &json!("ecommerceId"))
    );
    assert_eq!(body["message"], "ecommerceId: expected an ecommerceId (a UUID), found \"7\"");

    let broken = test::TestRequest::post().uri("/athm/webhook").insert_header(("content-type", "application/json"));
    let (status, body) = answer(&app, broken.set_payload("{\"total\": ")).await;
    assert_eq!((status, &body["error"], &body["field"]), (StatusCode::BAD_REQUEST, &json!("unreadable"), &Value::Null));

    let page = test::TestRequest::post().uri("/athm/callback").insert_header(("content-type", "text/html"));
    let (status, body) = answer(&app, page.set_payload("<html>")).await;
    assert_eq!((status, &body["error"]), (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("unreadable")));
    assert_eq!(answer(&app, test::TestRequest::get().uri("/athm/callback")).await.0, StatusCode::METHOD_NOT_ALLOWED);

    // What can't be taken says what to send instead.
    for (name, value) in [("content-type", "multipart/form-data; boundary=x"), ("content-encoding", "gzip")] {
        let json = ("content-type", "application/json");
        let request = test::TestRequest::post().uri("/athm/callback").insert_header(json).insert_header((name, value));
        let (status, body) = answer(&app, request.set_payload("\x1f\x08{}")).await;
        assert_eq!((status, &body["error"]), (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("unreadable")), "{value}");
        let message = body["message"].as_str().unwrap();
        assert!(
            message.contains("expected application/json or") || message.contains("send it uncompressed"),
            "{message}"
        );
    }
    let request = test::TestRequest::post().uri("/athm/callback").insert_header(("content-encoding", "identity"));
    assert_eq!(answer(&app, request.set_json(json!({}))).await.0, StatusCode::OK);
    assert!(fixture.simulator.requests().is_empty());
}

#[actix_web::test]
async fn a_body_above_the_limit_is_too_large() {
    let fixture = SimulatorFixture::open().await;
    let long = |length: usize| json!({ "ecommerceId": ecommerce_id(1), "message": "x".repeat(length) });
    let app = app!(fixture);
    assert_eq!(post(&app, "/athm/callback", long(1025 * 1024)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post(&app, "/athm/webhook", long(1000 * 1024)).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    let small = App::new().service(athm_actix::scope("/athm", &fixture.athm).limit(1000));
    let small = test::init_service(small).await;
    let (status, body) = post(&small, "/athm/callback", long(1000)).await;
    assert_eq!((status, &body["error"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too large")));
    assert_eq!(post(&small, "/athm/callback", long(100)).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    let own = App::new().app_data(CallbackConfig::default().limit(1000)).app_data(web::Data::new(fixture.athm.clone()));
    let own = test::init_service(own.route("/mine", web::post().to(verify_and_dispatch))).await;
    assert_eq!(post(&own, "/mine", long(1000)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[actix_web::test]
async fn json_of_any_script_and_a_slash_at_the_end_are_taken() {
    let fixture = SimulatorFixture::open().await;
    let app = app!(fixture);
    for (content_type, path) in [
        ("application/x-www-form-urlencoded; charset=UTF-8", "/athm/callback"),
        ("text/plain;charset=UTF-8", "/athm/callback/"),
        ("text/plain", "/athm/webhook/"),
    ] {
        let id = fixture.simulator.insert(completed_payment());
        let body = json!({ "order": "o-1", "result": { "status": "success", "data": { "ecommerceId": id } } });
        let request = test::TestRequest::post().uri(path).insert_header(("content-type", content_type));
        let answer = answer(&app, request.set_payload(body.to_string())).await;
        assert_eq!(answer, (StatusCode::CREATED, json!({ "result": "recorded" })), "{content_type}");
    }
    assert_eq!(answer(&app, test::TestRequest::get().uri("/athm/health/")).await.0, StatusCode::OK);
    assert_eq!(post(&app, "/athm/callback//", json!({})).await.0, StatusCode::NOT_FOUND);
}

fn preflight(path: &str, origin: &str, method: &str, headers: &str) -> test::TestRequest {
    let request = test::TestRequest::default().method(actix_web::http::Method::OPTIONS).uri(path);
    let request = request.insert_header(("origin", origin)).insert_header(("access-control-request-method", method));
    if headers.is_empty() { request } else { request.insert_header(("access-control-request-headers", headers)) }
}

#[actix_web::test]
async fn checkout_pages_of_the_origins_that_are_allowed_may_post_and_read_the_answer() {
    let fixture = SimulatorFixture::open().await;
    let scope = athm_actix::scope("/athm", &fixture.athm).allow_origin("https://shop.example");
    let app = test::init_service(App::new().service(scope.allow_origin("http://127.0.0.1:3000"))).await;
    let header = |response: &ServiceResponse<_>, name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_lowercase())
    };
    for origin in ["https://shop.example", "http://127.0.0.1:3000"] {
        for headers in ["", "content-type"] {
            let asked = preflight("/athm/callback", origin, "POST", headers).to_request();
            let response = test::call_service(&app, asked).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(header(&response, "access-control-allow-origin").as_deref(), Some(origin));
            assert_eq!(header(&response, "access-control-allow-methods").as_deref(), Some("post"));
            assert_eq!(header(&response, "access-control-allow-headers").as_deref(), Some("content-type"));
            assert!(header(&response, "vary").unwrap().contains("origin"));
            assert_eq!(header(&response, "access-control-allow-credentials"), None);
        }
        let id = fixture.simulator.insert(completed_payment());
        let request = test::TestRequest::post().uri("/athm/callback").insert_header(("origin", origin));
        let response = test::call_service(&app, request.set_json(json!({ "ecommerceId": id })).to_request()).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(header(&response, "access-control-allow-origin").as_deref(), Some(origin));
    }
    // Another origin, another method, another header, another route.
    for request in [
        preflight("/athm/callback", "https://shop.example.evil", "POST", ""),
        preflight("/athm/callback", "null", "POST", ""),
        preflight("/athm/callback", "https://shop.example", "DELETE", ""),
        preflight("/athm/callback", "https://shop.example", "POST", "authorization"),
        preflight("/athm/webhook", "https://shop.example", "POST", ""),
    ] {
        let response = test::call_service(&app, request.to_request()).await;
        assert!(response.status().is_client_error(), "{}", response.status());
        assert_eq!(header(&response, "access-control-allow-origin"), None);
    }
}

#[actix_web::test]
async fn no_other_origin_is_allowed_unless_it_is_named() {
    let fixture = SimulatorFixture::open().await;
    let app = app!(fixture);
    let asked = preflight("/athm/callback", "https://shop.example", "POST", "content-type").to_request();
    let response = test::call_service(&app, asked).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}

#[actix_web::test]
async fn health_names_nothing() {
    let fixture = SimulatorFixture::open().await;
    let app = app!(fixture);
    let health = || test::TestRequest::get().uri("/athm/health");
    assert_eq!(answer(&app, health()).await, (StatusCode::OK, json!({ "status": "ok" })));
    fixture.athm.shutdown(std::time::Duration::ZERO).await;
    assert_eq!(answer(&app, health()).await, (StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "unavailable" })));
}

#[actix_web::test]
async fn a_message_that_cannot_be_stored_is_answered_503_with_retry_after() {
    let fixture = SimulatorFixture::open().await;
    let app = app!(fixture);
    fixture.athm.shutdown(std::time::Duration::ZERO).await;
    let request = test::TestRequest::post().uri("/athm/callback").set_json(json!({ "ecommerceId": ecommerce_id(1) }));
    let response = test::call_service(&app, request.to_request()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "5");
}

/// A callback of the program's own that verifies, checks, and dispatches by hand.
async fn verify_and_dispatch(callback: Callback, athm: web::Data<Athm>) -> Result<HttpResponse, athm_actix::Error> {
    let transaction = athm.verify(&callback).await?;
    costs_twenty_five(&transaction)?;
    let _ = athm.dispatch(&transaction, Sender::new("my_callback")).await;
    Ok(HttpResponse::Created().finish())
}

/// A callback of the program's own that records.
async fn verify_and_record(callback: Callback, athm: web::Data<Athm>) -> Result<HttpResponse, athm_actix::Error> {
    let transaction = athm.verify(&callback).await?;
    athm.record(transaction, Sender::new("my_callback")).await?;
    Ok(HttpResponse::Created().finish())
}

fn costs_twenty_five(transaction: &athm_actix::Transaction) -> Result<(), UnexpectedTotal> {
    transaction.expect_total(Amount::from_cents(2500))
}

#[actix_web::test]
async fn a_custom_callback_beside_the_default_one_dispatches_by_hand_with_its_own_sender() {
    let fixture = SimulatorFixture::open().await;
    let app = App::new()
        .app_data(web::Data::new(fixture.athm.clone()))
        .route("/my-callback", web::post().to(verify_and_dispatch))
        .service(athm_actix::scope("/athm", &fixture.athm));
    let app = test::init_service(app).await;
    let id = fixture.simulator.insert(completed_payment());
    for _ in 0..2 {
        let answer = post(&app, "/my-callback", json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
        assert_eq!(answer.0, StatusCode::CREATED);
    }
    let by_hand = ["received by my_callback", "completed by my_callback"];
    assert_eq!(fixture.noted().await, [by_hand, by_hand].concat());
    assert_eq!(fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap(), None);
    assert_eq!(post(&app, "/athm/callback", json!({ "ecommerceId": id })).await.0, StatusCode::CREATED);
    assert_eq!(fixture.noted().await[4..], ["received by callback", "completed by callback"]);
}

#[actix_web::test]
async fn a_custom_callback_in_place_of_the_default_one_records() {
    let fixture = SimulatorFixture::open().await;
    let scope = || athm_actix::scope("/athm", &fixture.athm).callback(verify_and_record);
    let app = test::init_service(App::new().service(scope())).await;
    let id = fixture.simulator.insert(completed_payment());
    for _ in 0..2 {
        let answer = post(&app, "/athm/callback", json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
        assert_eq!(answer, (StatusCode::CREATED, Value::Null));
    }
    assert_eq!(fixture.noted().await, ["received by my_callback", "completed by my_callback"]);
    assert_eq!(
        post(&app, "/athm/webhook", json!({ "ecommerceId": id, "status": "COMPLETED" })).await.0,
        StatusCode::OK
    );
}

#[actix_web::test]
async fn an_error_of_a_custom_callback_is_answered_without_payment_data() {
    let fixture = SimulatorFixture::open().await;
    let app = App::new().app_data(web::Data::new(fixture.athm.clone()));
    let app = test::init_service(app.route("/mine", web::post().to(verify_and_dispatch))).await;
    let open = fixture.simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)));
    let cheap = fixture.simulator.insert(SimulatedPayment::new(Amount::from_cents(100)).status(Status::Completed));
    let refused = (StatusCode::UNPROCESSABLE_ENTITY, json!({ "result": "refused" }));
    assert_eq!(post(&app, "/mine", json!({ "ecommerceId": cheap })).await, refused);
    assert_eq!(post(&app, "/mine", json!({ "ecommerceId": ecommerce_id(1) })).await, refused);
    assert_eq!(post(&app, "/mine", json!({ "status": "COMPLETED" })).await, refused);

    let request =
        test::TestRequest::post().uri("/mine").set_json(json!({ "ecommerceId": open, "status": "COMPLETED" }));
    let response = test::call_service(&app, request.to_request()).await;
    assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "5");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(test::read_body(response).await, json!({ "result": "pending" }).to_string());

    fixture.simulator.fail_with(Outage::Unavailable);
    let unavailable = (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "unavailable" }));
    assert_eq!(post(&app, "/mine", json!({ "ecommerceId": cheap })).await, unavailable);
    assert!(fixture.noted().await.is_empty());
}

#[actix_web::test]
async fn an_error_of_an_operation_is_answered_by_its_kind_without_payment_data() {
    let (id, refund) = (TransactionId::from(Uuid::now_v7()), RefundId::from(Uuid::now_v7()));
    let refused = |code: &str, status| {
        let (code, message) = (code.parse().unwrap(), String::from("no money"));
        OperationError::Provider(ProviderError::Rejected { code, message, status })
    };
    let invalid = InvalidRequest::from(InvalidRefund::Amount { found: Amount::from_cents(-7) });
    for (error, status, word) in [
        (OperationError::UnknownTransaction { id }, StatusCode::NOT_FOUND, "not found"),
        (OperationError::UnknownRefund { id: refund }, StatusCode::NOT_FOUND, "not found"),
        (OperationError::NotPaid { id, status: Status::Open }, StatusCode::CONFLICT, "impossible"),
        (OperationError::RefundTooMuch { id, left: Amount::from_cents(700) }, StatusCode::CONFLICT, "impossible"),
        (OperationError::RefundUnknown { refund, source: "lost".into() }, StatusCode::CONFLICT, "unknown"),
        (OperationError::Provider(invalid.into()), StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        (OperationError::Provider(ProviderError::NotFound), StatusCode::CONFLICT, "impossible"),
        (refused("BTRA_0030", 200), StatusCode::CONFLICT, "impossible"),
        (refused("BTRA_0030", 503), StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (OperationError::UnderWay { id }, StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (OperationError::Store(StoreError::Busy), StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (OperationError::NoProvider, StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    ] {
        let shown = format!("{error:?}");
        let response = athm_actix::Error::from(error).error_response();
        assert_eq!(response.status(), status, "{shown}");
        let may_try_again = response.headers().contains_key(RETRY_AFTER);
        assert_eq!(may_try_again, status == StatusCode::SERVICE_UNAVAILABLE, "{shown}");
        let body: Value = serde_json::from_slice(&response.into_body().try_into_bytes().unwrap()).unwrap();
        assert_eq!(body["error"], word, "{shown}");
        assert_eq!(body.get("message").is_some(), word == "invalid", "{shown}: {body}");
    }
}

#[actix_web::test]
async fn a_replay_or_dismissal_that_cannot_be_made_and_a_text_that_is_no_id_are_answered_with_what_is_wrong() {
    let id = "0190a6f0-0000-7000-8000-000000000007".parse().unwrap();
    let receiver = || String::from("shop::fulfil");
    let phone = "call me".parse::<athm_core::PhoneNumber>().unwrap_err();
    let errors: [(athm_actix::Error, StatusCode, &str); 9] = [
        (DismissError::NotFound.into(), StatusCode::NOT_FOUND, "not found"),
        (DismissError::NotDismissible { id, state: DeliveryState::Running }.into(), StatusCode::CONFLICT, "impossible"),
        (DismissError::Store(StoreError::Busy).into(), StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (ReplayError::NotFound.into(), StatusCode::NOT_FOUND, "not found"),
        (ReplayError::Running { id }.into(), StatusCode::CONFLICT, "impossible"),
        (ReplayError::UnknownReceiver { receiver: receiver() }.into(), StatusCode::CONFLICT, "impossible"),
        (ReplayError::Store(StoreError::Busy).into(), StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        ("seven".parse::<TransactionId>().unwrap_err().into(), StatusCode::BAD_REQUEST, "unreadable"),
        (phone.into(), StatusCode::BAD_REQUEST, "unreadable"),
    ];
    for (error, status, word) in errors {
        let shown = error.to_string();
        let response = error.error_response();
        assert_eq!(response.status(), status, "{shown}");
        let body: Value = serde_json::from_slice(&response.into_body().try_into_bytes().unwrap()).unwrap();
        assert_eq!(body["error"], word, "{shown}");
        let has_message = word == "impossible" || word == "unreadable";
        assert_eq!(body.get("message").is_some_and(|message| message == &shown), has_message, "{shown}: {body}");
        assert!(!shown.contains("something else") && !shown.contains("call me"), "{shown}");
    }
}
