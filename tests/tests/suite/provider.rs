//! The client, beside a provider that answers oddly.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_core::provider::{BuildError, Client, ProviderError};
use athm_core::{EcommerceId, Status};
use athm_tests::ticket;
use serde_json::json;

/// A server that answers everything with this, or with nothing at all, and the client that asks it.
fn answering(status: u16, body: Option<Vec<u8>>) -> Client {
    let server = HttpServer::new(move || {
        let body = body.clone();
        let answer = move || {
            let body = body.clone();
            async move {
                match body {
                    Some(body) => HttpResponse::build(status.try_into().unwrap()).body(body),
                    None => std::future::pending().await,
                }
            }
        };
        App::new().default_service(web::to(answer))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    Client::builder("the public token", "the private token")
        .api_url(url)
        .timeout(Duration::from_millis(500))
        .build()
        .unwrap()
}

fn found(id: EcommerceId) -> serde_json::Value {
    json!({ "status": "success", "data": { "ecommerceStatus": "COMPLETED", "ecommerceId": id, "referenceNumber": "12-ab", "total": 25, "fee": 0.6000000238418579 } })
}

async fn find(status: u16, body: impl Into<Vec<u8>>) -> Result<athm_core::Transaction, ProviderError> {
    answering(status, Some(body.into())).find(&ticket(1)).await
}

#[actix_web::test]
async fn a_plain_answer_is_read_also_behind_a_byte_order_mark() {
    let plain = found(ticket(1)).to_string();
    for body in [plain.clone().into_bytes(), [b"\xef\xbb\xbf", plain.as_bytes()].concat()] {
        let transaction = find(200, body).await.unwrap();
        assert_eq!((transaction.status(), transaction.fee().cents()), (&Status::Completed, 60));
        assert!(transaction.is_verified());
    }
}

#[actix_web::test]
async fn what_only_describes_a_payment_never_holds_it_up() {
    let mut odd = found(ticket(1));
    for (name, value) in
        [("items", json!([3])), ("transactionDate", json!("soon")), ("fee", json!("some")), ("tax", json!({}))]
    {
        odd["data"][name] = value;
    }
    let transaction = find(200, odd.to_string()).await.unwrap();
    assert_eq!((transaction.total().cents(), transaction.items().len(), transaction.date()), (2500, 0, None));
}

#[actix_web::test]
async fn what_decides_must_be_readable() {
    for (name, value) in [
        ("total", json!("?")),
        ("total", json!(null)),
        ("ecommerceStatus", json!("")),
        ("totalRefundedAmount", json!("?")),
    ] {
        let mut odd = found(ticket(1));
        odd["data"][name] = value;
        let error = find(200, odd.to_string()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unreadable(_)), "{name}: {error:?}");
        assert!(error.is_outcome_unknown() && !error.is_not_found());
    }
}

#[actix_web::test]
async fn an_answer_for_another_payment_is_an_error() {
    let error = find(200, found(ticket(2)).to_string()).await.unwrap_err();
    assert!(matches!(error, ProviderError::OtherPayment { asked } if asked == ticket(1)));
    let without = json!({ "status": "success", "data": { "ecommerceStatus": "COMPLETED", "total": 25 } });
    assert!(matches!(find(200, without.to_string()).await, Err(ProviderError::OtherPayment { .. })));
}

#[actix_web::test]
async fn refusals_are_told_by_their_code_whatever_the_http_status() {
    let envelope =
        |code: &str| json!({ "status": "error", "message": "no", "errorcode": code, "data": null }).to_string();
    for (status, body, not_found, unknown) in [
        (200, envelope("BTRA_0031"), true, false),
        (404, envelope("BTRA_0031"), true, false),
        (200, envelope("BTRA_0401"), false, false),
        (200, envelope("BTRA_9998"), false, true),
        (200, r#"{"errorCode":"5010","description":"none"}"#.to_owned(), true, false),
        (500, "{}".to_owned(), false, true),
        (200, r#"{"status":"ERROR"}"#.to_owned(), false, false),
    ] {
        let error = find(status, body.clone()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Rejected { .. }), "{body}: {error:?}");
        assert_eq!((error.is_not_found(), error.is_outcome_unknown()), (not_found, unknown), "{body}");
    }
}

#[actix_web::test]
async fn error_pages_garbage_and_endless_answers_are_no_json() {
    let endless = vec![b' '; 2 * 1024 * 1024];
    for (status, body) in [
        (502, b"<html>Bad Gateway</html>".to_vec()),
        (200, Vec::new()),
        (200, b"{\"status\":\"suc".to_vec()),
        (200, endless),
    ] {
        let error = find(status, body).await.unwrap_err();
        assert!(matches!(error, ProviderError::NoJson { .. }), "{error:?}");
        assert!(error.is_outcome_unknown());
    }
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let error = find(307, "").await.unwrap_err();
    assert!(matches!(error, ProviderError::NoJson { status: 307 }), "{error:?}");
}

#[actix_web::test]
async fn silence_ends_with_the_timeout_and_a_closed_port_at_once() {
    let silent = answering(200, None).find(&ticket(1)).await.unwrap_err();
    assert!(matches!(silent, ProviderError::Unreachable(_)) && silent.is_outcome_unknown(), "{silent:?}");
    let closed = Client::builder("a", "b").api_url("http://127.0.0.1:1").build().unwrap();
    let closed = closed.find(&ticket(1)).await.unwrap_err();
    assert!(matches!(closed, ProviderError::Unreachable(_)) && !closed.is_outcome_unknown(), "{closed:?}");
}

#[actix_web::test]
async fn of_several_found_the_one_asked_for_is_taken() {
    let one = |reference: &str, kind: &str| json!({ "transactionType": kind, "status": "COMPLETED", "referenceNumber": reference, "total": 5 });
    let several = json!([one("99-x", "ECOMMERCE"), one("12-ab ", "Refund"), one("12-ab ", "PAYMENT")]);
    let reference = "12-ab".parse().unwrap();
    let taken = answering(200, Some(several.to_string().into())).search(&reference).await.unwrap();
    assert_eq!(taken.kind(), &athm_core::TransactionKind::Payment);
    for nothing in [json!([]), json!([one("99-x", "ECOMMERCE")]), one("99-x", "ECOMMERCE")] {
        let error = answering(200, Some(nothing.to_string().into())).search(&reference).await.unwrap_err();
        assert!(error.is_not_found(), "{error:?}");
    }
}

#[actix_web::test]
async fn no_token_is_in_any_error_or_debug() {
    let client = answering(502, Some(Vec::new()));
    let error = client.find(&ticket(1)).await.unwrap_err();
    let closed = Client::builder("the public token", "the private token").api_url("http://127.0.0.1:1");
    let unreachable = closed.clone().build().unwrap().search(&"12-ab".parse().unwrap()).await.unwrap_err();
    let shown = format!("{client:?} {error:?} {unreachable:?} {closed:?}");
    assert!(!shown.contains("public token") && !shown.contains("private token"), "{shown}");
    assert!(matches!(Client::builder("a", "b").api_url("http://example.com").build(), Err(BuildError::Address { .. })));
}
