//! The webhook's secret address.

use athm_actix::WebhookSecret;
use athm_core::errors::ConfigError;
use athm_tests::secrecy::WEBHOOK_SECRET;
use athm_tests::{TestServer, ecommerce_id};
use serde_json::{Value, json};

use super::{Target, result};
use crate::SimulatorFixture;

fn secret() -> WebhookSecret {
    WEBHOOK_SECRET.parse().unwrap()
}

#[tokio::test]
async fn a_webhook_without_the_secret_is_answered_404_and_stores_nothing() {
    let fixture = SimulatorFixture::open_with(|builder| builder.webhook_secret(secret())).await;
    // An access log would tell the path; the guide says so.
    let target = Target { server: TestServer::start_with(&fixture.athm, false, |scope| scope), fixture };
    let id = target.paid();
    let message = json!({ "ecommerceId": id, "status": "COMPLETED" });
    let upper = WEBHOOK_SECRET.to_uppercase();
    for wrong in [
        "",
        "/",
        "/wrong",
        &format!("/{}", &WEBHOOK_SECRET[1..]),
        &format!("/{WEBHOOK_SECRET}0"),
        &format!("/{upper}"),
        &format!("/{WEBHOOK_SECRET}//"),
        &format!("/{WEBHOOK_SECRET}/more"),
        &format!("/more/{WEBHOOK_SECRET}"),
        &format!("//{WEBHOOK_SECRET}"),
        &format!("?secret={WEBHOOK_SECRET}"),
        &format!("/wrong?{WEBHOOK_SECRET}"),
        &format!("/wrong/../{WEBHOOK_SECRET}0"),
    ] {
        assert_eq!(target.server.json(&format!("/athm/webhook{wrong}"), &message).await, (404, Value::Null), "{wrong}");
        let unreadable = target.server.post(&format!("/athm/webhook{wrong}")).body("{");
        assert_eq!(target.server.answer(unreadable).await, (404, Value::Null), "{wrong}");
    }
    assert!(target.fixture.simulator.requests().is_empty());
    assert_eq!(target.rows().await, 0);
    target.heard_nothing().await;

    let right = format!("/athm/webhook/{WEBHOOK_SECRET}");
    assert_eq!(target.server.json(&right, &message).await, result(201, "recorded"));
    assert_eq!(target.server.json(&format!("{right}/"), &message).await, result(200, "known"));
    assert_eq!(target.fixture.noted().await, ["received by webhook", "completed by webhook"]);
    // The customer's browser has no secret.
    assert_eq!(target.callback(message).await, result(200, "known"));
}

#[tokio::test]
async fn a_forged_message_to_the_secret_url_completes_nothing() {
    let fixture = SimulatorFixture::open_with(|builder| builder.webhook_secret(secret())).await;
    let target = Target { server: TestServer::start_with(&fixture.athm, false, |scope| scope), fixture };
    let id = target.opened();
    let right = format!("/athm/webhook/{WEBHOOK_SECRET}");
    let forged = json!({ "ecommerceId": id, "status": "COMPLETED" });
    assert_eq!(target.server.json(&right, &forged).await, result(202, "pending"));
    target.heard_nothing().await;
}

#[tokio::test]
async fn a_flood_delays_no_message_to_the_secret_url() {
    let fixture = SimulatorFixture::open_with(|builder| builder.webhook_secret(secret())).await;
    let target = Target { server: TestServer::start_with(&fixture.athm, false, |scope| scope), fixture };
    for n in 0..40 {
        target.callback(json!({ "ecommerceId": ecommerce_id(n), "status": "COMPLETED" })).await;
    }
    let id = target.paid();
    let message = json!({ "ecommerceId": id, "status": "COMPLETED" });
    assert_eq!(target.callback(message.clone()).await, result(202, "pending"));
    let right = format!("/athm/webhook/{WEBHOOK_SECRET}");
    assert_eq!(target.server.json(&right, &message).await, result(201, "recorded"));
}

#[tokio::test]
async fn while_one_secret_replaces_another_both_are_accepted_and_no_third() {
    let old = "the-old-secret-0123456789";
    let both = |builder: athm_core::AthmBuilder| builder.webhook_secret(secret()).webhook_secret(old.parse().unwrap());
    let fixture = SimulatorFixture::open_with(both).await;
    let target = Target { server: TestServer::start_with(&fixture.athm, false, |scope| scope), fixture };
    let message = json!({ "ecommerceId": target.paid(), "status": "COMPLETED" });
    let address = |secret: &str| format!("/athm/webhook/{secret}");
    assert_eq!(target.server.json(&address(old), &message).await, result(201, "recorded"));
    assert_eq!(target.server.json(&address(WEBHOOK_SECRET), &message).await, result(200, "known"));
    assert_eq!(target.server.json(&address("a-third-secret-0123456789"), &message).await, (404, Value::Null));
}

#[tokio::test]
async fn without_a_secret_the_webhook_has_only_its_plain_route() {
    let target = Target::open().await;
    let message = json!({ "ecommerceId": target.paid(), "status": "COMPLETED" });
    assert_eq!(target.server.json("/athm/webhook/anything", &message).await, (404, Value::Null));
    assert_eq!(target.webhook(message).await, result(201, "recorded"));
}

#[test]
fn an_invalid_secret_in_the_environment_is_an_error_that_does_not_contain_it() {
    let error = ConfigError::from("short".parse::<WebhookSecret>().unwrap_err());
    assert_eq!(error.to_string(), "ATHM_WEBHOOK_SECRET can't be used");
}
