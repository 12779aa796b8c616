//! What the client sends, and what it makes of the answers.

use athm_core::errors::{InvalidPayment, InvalidRefund};
use athm_core::provider::{
    Client, InvalidRequest, ProviderError, RefundRequest, Search, WebhookEvent, WebhookSubscription,
};
use athm_core::testing::ClientBuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Amount, NewPayment, Status, TransactionKind};
use athm_tests::{ProviderScript, RecordedRequest, ScriptedProvider, ecommerce_id};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

fn client(provider: &ScriptedProvider) -> Client {
    Client::builder("the public token", "the private token").api_url(provider.url()).build().unwrap()
}

/// Answers everything with this.
fn answering(answer: Value) -> ScriptedProvider {
    ScriptedProvider::start(move |_| ProviderScript::Json(200, answer.clone()))
}

fn only(provider: &ScriptedProvider) -> RecordedRequest {
    let mut asked = provider.requests();
    assert_eq!(asked.len(), 1);
    asked.remove(0)
}

fn expect(provider: &ScriptedProvider, method: &str, path: &str, body: Value) {
    let asked = only(provider);
    assert_eq!((asked.method.as_str(), asked.path.as_str(), asked.body), (method, path, body));
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_payment_is_opened_with_every_field_of_the_request() {
    let provider =
        answering(json!({ "status": "success", "data": { "ecommerceId": ecommerce_id(1), "auth_token": "secret" } }));
    let payment = NewPayment::new(Amount::from_cents(1050), "order-7").phone("787-555-0199".parse().unwrap());
    let opened = client(&provider).create(&payment).await.unwrap();
    assert_eq!(opened.ecommerce_id, ecommerce_id(1));
    let body = json!({
        "env": "production", "publicToken": "the public token", "timeout": "600", "total": "10.50", "tax": "0.00",
        "subtotal": "10.50", "metadata1": "order-7", "metadata2": "-", "items": [], "phoneNumber": "7875550199",
    });
    expect(&provider, "POST", "/api/business-transaction/ecommerce/payment", body);
    assert!(!format!("{opened:?} {payment:?}").contains("secret") && !format!("{payment:?}").contains("0199"));
}

#[tokio::test]
async fn a_phone_is_updated_with_a_put_and_the_auth_token() {
    let provider = answering(json!({ "status": "success", "data": "The phone is changed." }));
    let phone = "(787) 555-0199".parse().unwrap();
    client(&provider).update_phone(&ecommerce_id(1), &SecretString::from("secret"), &phone).await.unwrap();
    assert_eq!(only(&provider).authorization.as_deref(), Some("Bearer secret"));
    let body = json!({ "ecommerceId": ecommerce_id(1), "phoneNumber": "7875550199" });
    expect(&provider, "PUT", "/api/business-transaction/ecommerce/business/updatePhoneNumber", body);
}

#[tokio::test]
async fn every_post_and_put_says_what_its_body_is_and_how_long_also_an_empty_one() {
    let provider = answering(json!({}));
    let (client, token) = (client(&provider), SecretString::from("secret"));
    // What is answered doesn't matter.
    let _ = client.create(&NewPayment::new(Amount::from_cents(1050), "order-7")).await;
    let _ = client.find(&ecommerce_id(1)).await;
    let _ = client.authorize(&ecommerce_id(1), &token).await;
    let _ = client.update_phone(&ecommerce_id(1), &token, &"7875550199".parse().unwrap()).await;
    let _ = client.cancel(&ecommerce_id(1)).await;
    let _ = client.refund(&RefundRequest::new("12-ab".parse().unwrap(), Amount::from_cents(100))).await;
    let _ = client.search(&Search::new().metadata_1("order-7")).await;
    let requests = provider.requests();
    assert_eq!(requests.len(), 7);
    for RecordedRequest { path, content: [content_type, length], body, .. } in requests {
        assert_eq!(content_type.as_deref(), Some("application/json"), "{path}");
        let length: usize = length.unwrap_or_else(|| panic!("{path} has no length")).parse().unwrap();
        assert_eq!(length == 0, body.is_null(), "{path}: {length}");
        assert_eq!(body.is_null(), path.ends_with("/authorization"), "{path}");
    }
}

fn refund_answer(refund: Value) -> Value {
    json!({ "status": "success", "data": {
        "refund": refund,
        "originalTransaction": { "transactionType": "PAYMENT", "status": "COMPLETED", "total": 25, "totalRefundedAmount": 7.5 },
    }})
}

#[tokio::test]
async fn a_refund_answer_gives_its_amount_and_the_total_refunded() {
    let provider = answering(refund_answer(json!({
        "transactionType": "REFUND", "status": "COMPLETED", "refundedAmount": 2.5, "date": "1730000000000",
        "referenceNumber": "77-cd ", "dailyTransactionID": "0107", "name": "Inés", "phoneNumber": "(787) 555-0199",
    })));
    let request = RefundRequest::new("12-ab".parse().unwrap(), Amount::from_cents(250)).message("Sorry");
    let refunded = client(&provider).refund(&request).await.unwrap();
    assert_eq!((refunded.amount, refunded.total_refunded), (Amount::from_cents(250), Some(Amount::from_cents(750))));
    assert_eq!(refunded.reference_number, Some("77-cd".parse().unwrap()));
    assert_eq!(refunded.daily_transaction_id.as_deref(), Some("0107"));
    assert_eq!(refunded.date, Some(Timestamp::from_second(1_730_000_000).unwrap()));
    let body = json!({
        "publicToken": "the public token", "privateToken": "the private token", "referenceNumber": "12-ab",
        "amount": "2.50", "message": "Sorry",
    });
    expect(&provider, "POST", "/api/business-transaction/ecommerce/refund", body);
}

#[tokio::test]
async fn an_answer_without_a_completed_refund_leaves_the_outcome_unknown() {
    for refund in [
        json!({ "status": "PENDING", "refundedAmount": 2.5 }),
        json!({ "refundedAmount": 2.5 }),
        json!({ "status": "COMPLETED", "refundedAmount": "?" }),
        json!("done"),
    ] {
        let provider = answering(refund_answer(refund.clone()));
        let request = RefundRequest::new("12-ab".parse().unwrap(), Amount::from_cents(250));
        let error = client(&provider).refund(&request).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unreadable(_)) && error.is_outcome_unknown(), "{refund}: {error:?}");
    }
}

#[tokio::test]
async fn a_search_sends_its_fields_and_the_phone_in_the_providers_format() {
    let provider = answering(json!([
        { "transactionType": "ECOMMERCE", "status": "COMPLETED", "referenceNumber": "12-ab", "total": 5 },
        { "transactionType": "REFUND", "status": "COMPLETED", "referenceNumber": "12-ab ", "total": 5 },
    ]));
    let search = Search::new()
        .reference_number(&"12-ab".parse().unwrap())
        .daily_transaction_id("35")
        .name("Inés Rivera")
        .phone(&"7875550199".parse().unwrap())
        .email("ines@example.com")
        .total(Amount::from_cents(500))
        .metadata_1("order-7")
        .metadata_2("web");
    let found = client(&provider).search(&search).await.unwrap();
    assert_eq!(
        found.iter().map(|found| found.kind()).collect::<Vec<_>>(),
        [&TransactionKind::Ecommerce, &TransactionKind::Refund]
    );
    let body = json!({
        "publicToken": "the public token", "privateToken": "the private token", "referenceNumber": "12-ab",
        "dailyTransactionID": "35", "name": "Inés Rivera", "phoneNumber": "(787) 555-0199", "email": "ines@example.com",
        "total": "5.00", "metadata1": "order-7", "metadata2": "web",
    });
    expect(&provider, "POST", "/api/v4/searchTransaction", body);
    assert!(!format!("{search:?}").contains("Rivera"), "{search:?}");
}

#[tokio::test]
async fn a_search_that_finds_nothing_is_empty() {
    for nothing in [json!([]), json!({ "errorCode": "5010", "description": "none" })] {
        let provider = answering(nothing);
        assert_eq!(client(&provider).search(&Search::new().metadata_1("order-7")).await.unwrap(), []);
    }
}

fn a_day_ago() -> (Clock, Timestamp, Timestamp) {
    let clock = Clock::manual();
    let until = clock.now();
    (clock, until - SignedDuration::from_hours(24), until)
}

#[tokio::test]
async fn a_report_is_a_get_with_a_body_in_puerto_ricos_time() {
    let provider = answering(json!([
        { "transactionType": "ECOMMERCE", "status": "COMPLETED", "referenceNumber": "12-ab ", "dailyTransactionID": 35,
          "date": "2025-05-01 11:02:21.0", "total": 5.00, "totalRefundAmount": 1.5, "name": "Inés" },
        { "transactionType": "ECOMMERCE", "status": "COMPLETED", "referenceNumber": "13-ab", "total": "?" },
        { "transactionType": "DONATION", "status": "COMPLETED", "referenceNumber": "14-ab", "total": 2 },
    ]));
    let (from, until) = (time("2025-05-01T03:59:59.9Z"), time("2025-05-02T04:00:00Z"));
    let report = client(&provider).report(from, until).await.unwrap();
    assert_eq!(report.len(), 2);
    assert_eq!(report[0].refunded_amount(), Amount::from_cents(150));
    assert_eq!(report[0].daily_transaction_id(), Some("35"));
    assert_eq!(report[0].date(), Some(time("2025-05-01T15:02:21Z")));
    assert_eq!((report[1].kind(), report[1].status()), (&TransactionKind::Donation, &Status::Completed));
    let body = json!({
        "publicToken": "the public token", "privateToken": "the private token",
        "fromDate": "2025-04-30 23:59:59", "toDate": "2025-05-02 00:00:00",
    });
    expect(&provider, "GET", "/transactions/v4/transactionReport", body);
}

#[tokio::test]
async fn a_report_without_transactions_is_empty() {
    for code in ["BTRA_0022", "BTRA_0046"] {
        let provider = ScriptedProvider::start(move |_| ProviderScript::refusal(code));
        let (clock, from, until) = a_day_ago();
        let client = Client::builder("a", "b").api_url(provider.url()).clock(clock).build().unwrap();
        assert_eq!(client.report(from, until).await.unwrap(), []);
    }
    let provider = answering(json!({ "some": "thing" }));
    let error = client(&provider).report(time("2025-05-01T00:00:00Z"), time("2025-05-02T00:00:00Z")).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unreadable(_)), "{error:?}");
}

#[tokio::test]
async fn a_webhook_is_subscribed_for_the_events_that_are_named() {
    for answer in [
        ProviderScript::success(json!("ok")),
        ProviderScript::Bytes(200, Vec::new()),
        ProviderScript::Bytes(201, b"done".to_vec()),
    ] {
        let provider = ScriptedProvider::start(move |_| answer.clone());
        let subscription = WebhookSubscription::new("https://shop.example/athm/webhook/s3cr3t")
            .events([WebhookEvent::RefundSent, WebhookEvent::EcommerceExpired]);
        client(&provider).subscribe_webhook(&subscription).await.unwrap();
        let body = json!({
            "publicToken": "the public token", "privateToken": "the private token",
            "listenerURL": "https://shop.example/athm/webhook/s3cr3t",
            "paymentReceivedEvent": false, "donationReceivedEvent": false, "refundSentEvent": true,
            "ecommercePaymentReceivedEvent": false, "ecommercePaymentCancelledEvent": false,
            "ecommercePaymentExpiredEvent": true,
        });
        expect(&provider, "POST", "/transactions/webhook/post", body);
        assert!(!format!("{subscription:?}").contains("s3cr3t"));
    }
    let refusing =
        ScriptedProvider::start(|_| ProviderScript::Json(200, json!({ "status": "error", "errorcode": "BTRA_0017" })));
    let error = client(&refusing).subscribe_webhook(&WebhookSubscription::new("https://shop.example")).await;
    assert!(matches!(error, Err(ProviderError::Rejected { .. })));
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_never_sent() {
    use InvalidRequest as Invalid;

    let provider = answering(json!({}));
    let (clock, from, until) = a_day_ago();
    let client = Client::builder("a", "b").api_url(provider.url()).clock(clock).build().unwrap();
    let refund = |cents| RefundRequest::new("12-ab".parse().unwrap(), Amount::from_cents(cents));
    let second = SignedDuration::from_secs(1);

    let create = client.create(&NewPayment::new(Amount::from_cents(99), "order-7")).await.unwrap_err();
    assert!(matches!(create, ProviderError::Invalid(Invalid::Payment(InvalidPayment::Total { .. }))));
    let error = client.refund(&refund(0)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Invalid(Invalid::Refund(InvalidRefund::Amount { .. }))));
    let error = client.refund(&refund(100).message("ñ".repeat(51))).await.unwrap_err();
    assert!(matches!(error, ProviderError::Invalid(Invalid::Refund(InvalidRefund::Message { length: 51 }))));
    assert!(refund(100).message("ñ".repeat(50)).validate().is_ok());
    let error = client.search(&Search::new().metadata_1(" ")).await.unwrap_err();
    assert!(matches!(error, ProviderError::Invalid(Invalid::NothingToSearch)));
    let error = client.report(until, from).await.unwrap_err();
    assert!(matches!(error, ProviderError::Invalid(Invalid::Range { .. })));
    let error = client.report(from, until + second).await.unwrap_err();
    assert!(matches!(error, ProviderError::Invalid(Invalid::Future { .. })));
    let error = client.subscribe_webhook(&WebhookSubscription::new("shop.example/hook")).await.unwrap_err();
    assert!(matches!(error, ProviderError::Invalid(Invalid::Listener)));
    assert!(!create.is_outcome_unknown() && !create.is_retryable());
    assert_eq!(provider.requests(), []);
}

#[tokio::test]
async fn the_client_sends_a_user_agent_and_each_host_has_its_own_url() {
    let (payments, www) = (answering(json!({})), answering(json!([])));
    let client = Client::builder("a", "b").payments_url(payments.url()).www_url(www.url()).user_agent("shop/1.0");
    let client = client.build().unwrap();
    client.cancel(&ecommerce_id(1)).await.unwrap();
    client.search(&Search::new().email("ines@example.com")).await.unwrap();
    assert_eq!((only(&payments).user_agent, only(&www).user_agent), ("shop/1.0".into(), "shop/1.0".into()));
    assert!(only(&www).path.ends_with("/searchTransaction"));
}
