//! Requests that say of themselves what isn't so.

use std::time::Duration;

use athm_tests::{TestServer, ecommerce_id};
use serde_json::json;

use super::Target;
use crate::SimulatorFixture;

#[tokio::test]
async fn an_unusual_content_type_is_refused_or_read_as_its_type() {
    let target = Target::open().await;
    let body = json!({ "ecommerceId": ecommerce_id(1) }).to_string();
    let long = format!("application/json; {}", "x".repeat(4000));
    for (content_types, answered) in [
        (vec!["application/json"], 422),
        (vec!["APPLICATION/Json; charset=UTF-16"], 422),
        (vec!["application/json;charset=\u{1b}[31m"], 422),
        (vec![&long], 422),
        (vec![], 422),
        (vec!["application/json", "text/html"], 422),
        (vec!["text/html", "application/json"], 415),
        (vec!["application/json, application/x-www-form-urlencoded"], 415),
        (vec!["text/plain"], 422),
        (vec!["multipart/form-data; boundary=x"], 415),
        (vec!["application/xml"], 415),
        (vec!["*/*"], 415),
        (vec!["application/jsonp"], 415),
        (vec!["application/x-www-form-urlencoded; charset=utf-7"], 422),
    ] {
        let request = content_types.iter().fold(target.server.post("/athm/callback"), |request, content_type| {
            let value = reqwest::header::HeaderValue::from_bytes(content_type.as_bytes());
            value.map_or(request.try_clone().unwrap(), |value| request.header("content-type", value))
        });
        let (status, answer) = target.server.answer(request.body(body.clone())).await;
        assert_eq!(status, answered, "{content_types:?}: {answer}");
    }
    target.heard_nothing().await;
}

/// The answer to a request that is written out.
async fn answered(target: &Target, lines: &[&str], body: &str) -> String {
    let head = lines.join("\r\n");
    target.server.raw(format!("{head}\r\nhost: shop.example\r\nconnection: close\r\n\r\n{body}").as_bytes()).await
}

#[tokio::test]
async fn an_ambiguous_body_length_is_refused() {
    let target = Target::open().await;
    let id = target.paid();
    let body = json!({ "ecommerceId": id, "status": "COMPLETED" }).to_string();
    let length = format!("content-length: {}", body.len());
    let post = "POST /athm/callback HTTP/1.1";
    let json = "content-type: application/json";
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for headers in [
        vec![post, json, &length, "transfer-encoding: chunked"],
        vec![post, json, "transfer-encoding: chunked", &length],
        vec![post, json, &length, "content-length: 5"],
        vec![post, json, "content-length: -1"],
        vec![post, json, "content-length: +5"],
        vec![post, json, "content-length: 5, 5"],
        vec![post, json, "content-length: 99999999999999999999999"],
        vec![post, json, "content-length: 0x10"],
        vec![post, json, "transfer-encoding: identity, chunked, identity"],
        vec![post, json, "transfer-encoding: xchunked"],
        vec!["POST /athm/callback HTTP/1.0", json, "transfer-encoding: chunked"],
        vec![post, json, "transfer-encoding : chunked"],
    ] {
        let answer = answered(&target, &headers, &chunked).await;
        assert!(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4"), "{headers:?}: {answer}");
    }
    // Without a length there is no body; with a short one, what follows is no second message.
    let none = answered(&target, &[post, json], &body).await;
    assert!(none.starts_with("HTTP/1.1 400"), "{none}");
    let short = answered(&target, &[post, json, "content-length: 2"], &format!("{{}}{body}")).await;
    assert_eq!(short.matches("HTTP/1.1 200").count(), 1, "{short}");
    assert_eq!(target.rows().await, 0);
    target.heard_nothing().await;
    target.is_as_good_as_before().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_dropped_at_the_read_timeout() {
    let fixture = SimulatorFixture::open().await;
    let server = TestServer::start_with(&fixture.athm, true, |scope| scope.read_timeout(Duration::from_millis(100)));
    let head = "POST /athm/callback HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\n";
    for announced in ["content-length: 1000\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let answer = server.unfinished(format!("{head}{announced}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("too slow"), "{answer}");
    }
    assert!(fixture.noted().await.is_empty());
}

#[tokio::test]
async fn no_header_changes_the_method() {
    let target = Target::open().await;
    let id = target.paid();
    let body = json!({ "ecommerceId": id, "status": "COMPLETED", "_method": "POST" }).to_string();
    let length = format!("content-length: {}", body.len());
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
        for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
            let first = format!("{method} /athm/callback?_method=POST HTTP/1.1");
            let overriding = format!("{name}: POST");
            let answer =
                answered(&target, &[&first, &overriding, "content-type: application/json", &length], &body).await;
            assert!(answer.starts_with("HTTP/1.1 405"), "{method}: {answer}");
        }
    }
    assert!(target.fixture.simulator.requests().is_empty());
    target.heard_nothing().await;
}

#[tokio::test]
async fn no_header_changes_the_sender_or_the_route() {
    let target = Target::open().await;
    let id = target.opened();
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "payments.athmovil.com"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=127.0.0.1;host=payments.athmovil.com;proto=https"),
        ("x-real-ip", "::1"),
        ("x-original-url", "/athm/webhook"),
        ("x-rewrite-url", "/athm/webhook"),
        ("origin", "https://payments.athmovil.com"),
        ("authorization", "Bearer made-up"),
        ("expect", "100-continue"),
        ("upgrade", "h2c"),
    ] {
        let claim = json!({ "ecommerceId": id, "status": "COMPLETED" });
        let request = target.server.post("/athm/callback").header(name, value).json(&claim);
        assert_eq!(target.server.answer(request).await.0, 202, "{name}");
        let request = target.server.post("/athm/health").header(name, value).json(&claim);
        assert_eq!(target.server.answer(request).await.0, 405, "{name}");
    }
    target.heard_nothing().await;
    target.is_as_good_as_before().await;
}
