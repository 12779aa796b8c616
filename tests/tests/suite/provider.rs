//! The client, beside a provider that answers oddly.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::provider::{BuildError, Client, ErrorCode, Language, ProviderError, RefundRequest, WebhookSubscription};
use athm_core::testing::ClientBuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Amount, NewPayment, Status};
use athm_tests::{ProviderScript, ScriptedProvider, ecommerce_id, eventually};
use secrecy::SecretString;
use serde_json::json;

/// A client of a server that answers everything with this, which asks once.
fn answering(status: u16, body: impl Into<Vec<u8>>) -> Client {
    let body = body.into();
    client(&ScriptedProvider::start(move |_| ProviderScript::Bytes(status, body.clone())), 1)
}

fn client(provider: &ScriptedProvider, attempts: u32) -> Client {
    let client = Client::builder("the public token", "the private token").api_url(provider.url());
    client.timeout(Duration::from_millis(500)).read_attempts(attempts).seed(7).build().unwrap()
}

fn found(id: EcommerceId) -> serde_json::Value {
    json!({ "status": "success", "data": { "ecommerceStatus": "COMPLETED", "ecommerceId": id, "referenceNumber": "12-ab", "total": 25, "fee": 0.6000000238418579 } })
}

async fn find(status: u16, body: impl Into<Vec<u8>>) -> Result<athm_core::Transaction, ProviderError> {
    answering(status, body).find(&ecommerce_id(1)).await
}

#[tokio::test]
async fn an_answer_is_read_with_and_without_a_byte_order_mark() {
    let plain = found(ecommerce_id(1)).to_string();
    for body in [plain.clone().into_bytes(), [b"\xef\xbb\xbf", plain.as_bytes()].concat()] {
        let transaction = find(200, body).await.unwrap();
        assert_eq!((transaction.status(), transaction.fee().cents()), (&Status::Completed, 60));
        assert!(transaction.is_verified());
    }
}

#[tokio::test]
async fn an_unreadable_descriptive_field_is_left_out() {
    let mut odd = found(ecommerce_id(1));
    for (name, value) in
        [("items", json!([3])), ("transactionDate", json!("soon")), ("fee", json!("some")), ("tax", json!({}))]
    {
        odd["data"][name] = value;
    }
    let transaction = find(200, odd.to_string()).await.unwrap();
    assert_eq!((transaction.total().cents(), transaction.items().len(), transaction.date()), (2500, 0, None));
}

#[tokio::test]
async fn an_unreadable_id_or_status_is_an_error() {
    for (name, value) in [
        ("total", json!("?")),
        ("total", json!(null)),
        ("ecommerceStatus", json!("")),
        ("totalRefundedAmount", json!("?")),
    ] {
        let mut odd = found(ecommerce_id(1));
        odd["data"][name] = value;
        let error = find(200, odd.to_string()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unreadable(_)), "{name}: {error:?}");
        assert!(error.is_outcome_unknown() && !error.is_not_found());
    }
}

#[tokio::test]
async fn an_answer_for_another_payment_is_an_error() {
    let error = find(200, found(ecommerce_id(2)).to_string()).await.unwrap_err();
    assert!(matches!(error, ProviderError::OtherPayment { asked } if asked == ecommerce_id(1)));
    let without = json!({ "status": "success", "data": { "ecommerceStatus": "COMPLETED", "total": 25 } });
    assert!(matches!(find(200, without.to_string()).await, Err(ProviderError::OtherPayment { .. })));
}

#[tokio::test]
async fn an_answer_about_another_business_leaves_the_outcome_unknown() {
    for named in [json!("another"), json!(null)] {
        let mut answer = found(ecommerce_id(1));
        answer["data"]["businessCustomerId"] = named.clone();
        let provider = ScriptedProvider::start(move |_| ProviderScript::Json(200, answer.clone()));
        let ours = Client::builder("a", "b").api_url(provider.url()).business_id("ours").build().unwrap();
        let error = ours.find(&ecommerce_id(1)).await.unwrap_err();
        assert!(matches!(error, ProviderError::OtherBusiness), "{named}: {error:?}");
        assert!(error.is_outcome_unknown() && error.is_not_found());
        assert_eq!(
            error.customer_message(Language::English),
            ProviderError::NotFound.customer_message(Language::English)
        );
    }
}

#[tokio::test]
async fn refusals_are_recognized_by_their_code_with_any_http_status() {
    let envelope =
        |code: &str| json!({ "status": "error", "message": "no", "errorcode": code, "data": null }).to_string();
    for (status, body, not_found, unknown) in [
        (200, envelope("BTRA_0031"), true, false),
        (404, envelope("BTRA_0031"), true, false),
        (200, envelope("BTRA_0401"), false, false),
        (200, envelope("BTRA_9998"), false, true),
        (200, r#"{"errorCode":"5010","description":"none"}"#.to_owned(), true, false),
        (500, "{}".to_owned(), false, true),
        (200, r#"{"status":"ERROR"}"#.to_owned(), false, true),
        (200, envelope("BTRA_0999"), false, true),
    ] {
        let error = find(status, body.clone()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Rejected { .. }), "{body}: {error:?}");
        assert_eq!((error.is_not_found(), error.is_outcome_unknown()), (not_found, unknown), "{body}");
    }
}

#[tokio::test]
async fn a_code_of_noughts_beside_success_is_no_refusal() {
    for code in [json!("0000"), json!("0"), json!(0), json!(null), json!("")] {
        for name in ["errorcode", "errorCode"] {
            let mut answer = found(ecommerce_id(1));
            answer[name] = code.clone();
            assert_eq!(find(200, answer.to_string()).await.unwrap().status(), &Status::Completed, "{name} {code}");
        }
    }
}

#[tokio::test]
async fn a_firewalls_page_is_no_refusal_of_the_providers() {
    for page in ["<html><h1>Access Denied</h1></html>", "", "Forbidden"] {
        let error = find(403, page).await.unwrap_err();
        assert!(matches!(error, ProviderError::Blocked), "{error:?}");
        assert_eq!((error.status(), error.code()), (Some(403), None));
        assert!(error.to_string().contains("firewall") && error.is_retryable() && error.is_outcome_unknown());
    }
    let refusal = json!({ "status": "error", "errorcode": "BTRA_0401", "message": "no" }).to_string();
    assert!(matches!(find(403, refusal).await, Err(ProviderError::Rejected { status: 403, .. })));
}

#[tokio::test]
async fn damaged_and_long_answers_are_read() {
    let mut answer = found(ecommerce_id(1));
    answer["data"]["metadata1"] = json!("MARK");
    answer["data"]["items"] = json!([{ "name": "Book", "description": "x".repeat(3 * 1024 * 1024) }]);
    let (before, after) = answer.to_string().split_once("MARK").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let body = [before.as_bytes(), b"caf\xe9 \\ud83c\n", after.as_bytes()].concat();
    let transaction = find(200, body).await.unwrap();
    assert_eq!((transaction.metadata_1(), transaction.items().len()), ("caf\u{e9} \u{fffd}\n", 1));
}

#[tokio::test]
async fn a_hit_that_cannot_be_read_is_left_out_unless_it_may_be_the_payment_that_was_asked_for() {
    let hit = |reference: &str, total| json!({ "transactionType": "PAYMENT", "status": "COMPLETED", "referenceNumber": reference, "total": total });
    let reference = "12-ab".parse().unwrap();
    let find = async |hits: serde_json::Value| answering(200, hits.to_string()).find_by_reference(&reference).await;
    let taken = find(json!([hit("99-x", json!("?")), 7, hit("12-ab", json!(5))])).await.unwrap();
    assert_eq!(taken.total(), Amount::from_cents(500));
    for hits in [
        json!([hit("99-x", json!(5)), hit("12-ab", json!("?"))]),
        json!([hit("99-x", json!(5)), 7]),
        hit("12-ab", json!(5.005)),
    ] {
        let error = find(hits.clone()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unreadable(_)) && !error.is_not_found(), "{hits}: {error:?}");
    }
    let error = find(json!([hit("99-x", json!("?"))])).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    let hits = json!([hit("1-a", json!("?")), hit("2-b", json!(5)), "?", hit("3-c", json!(6))]);
    let search = athm_core::provider::Search::new().metadata_1("order-7");
    assert_eq!(answering(200, hits.to_string()).search(&search).await.unwrap().len(), 2);
}

#[tokio::test]
async fn error_pages_garbage_and_endless_answers_are_errors() {
    let endless = vec![b' '; 5 * 1024 * 1024];
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

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = find(307, "").await.unwrap_err();
    assert!(matches!(error, ProviderError::NoJson { status: 307 }), "{error:?}");
}

#[tokio::test]
async fn no_answer_is_a_timeout_and_a_closed_port_fails_at_once() {
    let silent =
        client(&ScriptedProvider::start(|_| ProviderScript::Silence), 1).find(&ecommerce_id(1)).await.unwrap_err();
    assert!(matches!(silent, ProviderError::Unreachable(_)) && silent.is_timeout(), "{silent:?}");
    assert!(silent.is_outcome_unknown() && silent.is_retryable());
    let closed = Client::builder("a", "b").api_url("http://127.0.0.1:1").read_attempts(1).build().unwrap();
    let closed = closed.find(&ecommerce_id(1)).await.unwrap_err();
    assert!(matches!(closed, ProviderError::Unreachable(_)) && !closed.is_outcome_unknown(), "{closed:?}");
    assert!(closed.is_retryable() && !closed.is_timeout());
}

#[tokio::test]
async fn a_truncated_or_endless_answer_leaves_the_outcome_unknown() {
    for (script, is_timeout) in [
        (ProviderScript::CutOff(b"{\"status\":".to_vec()), false),
        (ProviderScript::Stalled(b"{\"status\":".to_vec()), true),
    ] {
        let provider = ScriptedProvider::start(move |_| script.clone());
        let error = client(&provider, 1).find(&ecommerce_id(1)).await.unwrap_err();
        assert!(matches!(error, ProviderError::BrokenOff(_)), "{error:?}");
        assert_eq!((error.is_timeout(), error.is_outcome_unknown()), (is_timeout, true));
        assert_eq!((error.status(), error.code()), (None, None));
    }
}

#[tokio::test]
async fn reads_are_retried_until_answered_and_refusals_are_not() {
    let provider = ScriptedProvider::start({
        let asked = AtomicUsize::new(0);
        move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => ProviderScript::Bytes(502, b"<html>Bad Gateway</html>".to_vec()),
            1 => ProviderScript::refusal("BTRA_9998"),
            _ => ProviderScript::Json(200, found(ecommerce_id(1))),
        }
    });
    assert_eq!(client(&provider, 3).find(&ecommerce_id(1)).await.unwrap().status(), &Status::Completed);
    assert_eq!(provider.request_count("/findPayment"), 3);

    let refusing = ScriptedProvider::start(|_| ProviderScript::refusal("BTRA_0401"));
    let error = client(&refusing, 3).find(&ecommerce_id(1)).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (Some(&ErrorCode::Unauthorized), Some(400)));
    assert_eq!(refusing.requests().len(), 1);
}

#[tokio::test]
async fn a_read_waits_between_attempts_on_the_given_clock() {
    let provider = ScriptedProvider::start(|_| ProviderScript::Bytes(503, Vec::new()));
    let clock = Clock::manual();
    let client =
        Client::builder("a", "b").api_url(provider.url()).clock(clock.clone()).read_attempts(2).build().unwrap();
    let asking = tokio::spawn(async move { client.find(&ecommerce_id(1)).await });
    eventually(async || provider.requests().len() == 1).await;
    assert!(!asking.is_finished());
    eventually(async || {
        clock.advance(Duration::from_millis(50));
        asking.is_finished()
    })
    .await;
    assert!(asking.await.unwrap().unwrap_err().is_retryable());
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn a_call_that_moves_money_is_sent_once() {
    let provider = ScriptedProvider::start(|_| ProviderScript::Bytes(502, Vec::new()));
    let client = client(&provider, 3);
    let (token, phone) = (SecretString::from("a token"), "7875550199".parse().unwrap());
    let refund = RefundRequest::new("12-ab".parse().unwrap(), Amount::from_cents(100));
    let errors = [
        client.create(&NewPayment::new(Amount::from_cents(100), "order-7")).await.unwrap_err(),
        client.authorize(&ecommerce_id(1), &token).await.unwrap_err(),
        client.update_phone(&ecommerce_id(1), &token, &phone).await.unwrap_err(),
        client.cancel(&ecommerce_id(1)).await.unwrap_err(),
        client.refund(&refund).await.unwrap_err(),
        client.subscribe_webhook(&WebhookSubscription::new("https://shop.example/hook")).await.unwrap_err(),
    ];
    assert!(errors.iter().all(ProviderError::is_outcome_unknown));
    assert_eq!(provider.requests().len(), errors.len());
}

#[test]
fn the_customer_message_is_in_both_languages_and_never_asks_to_pay_twice() {
    let rejected = |code: &str, status| ProviderError::Rejected {
        code: code.parse().unwrap(),
        message: "BusinessEcommerce exists in the dynamoDB".into(),
        status,
    };
    for (error, english, spanish) in [
        (rejected("BTRA_0039", 200), "The time to approve", "El tiempo para aprobar"),
        (rejected("BTRA_0045", 409), "The amount is over", "El monto excede"),
        (rejected("BTRA_9999", 500), "We are checking", "Estamos verificando"),
        (rejected("BTRA_0010", 200), "This payment can't be made", "Este pago no se puede realizar"),
        (rejected("", 200), "We are checking", "Estamos verificando"),
        (ProviderError::NoJson { status: 502 }, "We are checking", "Estamos verificando"),
    ] {
        assert!(error.customer_message(Language::English).starts_with(english), "{error}");
        assert!(error.customer_message(Language::Spanish).starts_with(spanish), "{error}");
    }
}

#[tokio::test]
async fn of_several_results_the_requested_payment_is_used() {
    let one = |reference: &str, kind: &str| json!({ "transactionType": kind, "status": "COMPLETED", "referenceNumber": reference, "total": 5 });
    let several = json!([one("99-x", "ECOMMERCE"), one("12-ab ", "Refund"), one("12-ab ", "PAYMENT")]);
    let reference = "12-ab".parse().unwrap();
    let taken = answering(200, several.to_string()).find_by_reference(&reference).await.unwrap();
    assert_eq!(taken.kind(), &athm_core::TransactionKind::Payment);
    for nothing in [json!([]), json!([one("99-x", "ECOMMERCE")]), one("99-x", "ECOMMERCE")] {
        let error = answering(200, nothing.to_string()).find_by_reference(&reference).await.unwrap_err();
        assert!(error.is_not_found(), "{error:?}");
    }
}

#[tokio::test]
async fn no_token_is_in_any_error_or_debug() {
    let client = answering(502, Vec::new());
    let error = client.find(&ecommerce_id(1)).await.unwrap_err();
    let closed = Client::builder("the public token", "the private token").api_url("http://127.0.0.1:1");
    let unreachable = closed.clone().build().unwrap().find_by_reference(&"12-ab".parse().unwrap()).await.unwrap_err();
    let shown = format!("{client:?} {error:?} {unreachable:?} {closed:?}");
    assert!(!shown.contains("public token") && !shown.contains("private token"), "{shown}");
    assert!(matches!(Client::builder("a", "b").api_url("http://example.com").build(), Err(BuildError::Address { .. })));
}
