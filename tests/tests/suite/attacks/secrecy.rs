//! Secrets and personal data: not in the log, and in no answer.
//!
//! Every answer to an attack is searched by `TestServer`, and the log of every test by `athm_tests::secrecy`. These tests make
//! sure of the search, and log what is likeliest to leak.

use std::process::Command;

use athm_core::{Amount, NewPayment};
use athm_simulator::Outage;
use athm_tests::secrecy::{WEBHOOK_SECRET, searched};
use athm_tests::{completed_payment, ecommerce_id};
use serde_json::json;

use super::{Target, result};

#[tokio::test]
async fn every_logged_line_is_searched() {
    let before = searched();
    tracing::trace!(target: "elsewhere", "a line");
    log::trace!("another");
    let _span = tracing::trace_span!("span", field = "a value");
    assert!(searched() >= before + 3);
}

/// Run by the test below, in a process of its own.
const LEAK: &str = "ATHM_TESTS_LEAK";

#[test]
fn a_leak_into_the_log_aborts_the_program() {
    let me = "attacks::secrecy::a_leak_into_the_log_aborts_the_program";
    if let Ok(way) = std::env::var(LEAK) {
        match way.as_str() {
            "event" => tracing::trace!(payment = 7, "paid by Marisol Vega"),
            "cause" => {
                let error = std::io::Error::other(std::io::Error::other("to marisol@example.net"));
                tracing::debug!(error = &error as &dyn std::error::Error, "failed");
            }
            "span" => drop(tracing::trace_span!("paid", phone = 7_875_550_142_u64)),
            "log" => log::trace!("Bearer the private token"),
            _ => {}
        }
        return;
    }
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", me, "--nocapture"]);
    for (way, leak) in
        [("event", "a name"), ("cause", "an e-mail address"), ("span", "a phone"), ("log", "a token"), ("nothing", "")]
    {
        let output = run.env(LEAK, way).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), leak.is_empty(), "{way}: {printed}");
        assert!(printed.contains(&format!("the log contains {leak}")) || leak.is_empty(), "{way}: {printed}");
    }
}

#[tokio::test]
async fn a_payment_from_creation_to_refund_logs_no_name_phone_address_or_token() {
    let target = Target::open().await;
    let fixture = &target.fixture;
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    fixture.simulator.approve(&id).unwrap();
    fixture.athm.authorize(open.id()).await.unwrap();
    let known =
        completed_payment().customer_name("Marisol Vega").customer_phone("7875550142").customer_email("m@example.net");
    let searched_for = fixture.simulator.insert(known);
    let reference = target.reference(&searched_for);
    let by_reference = json!({ "referenceNumber": reference, "status": "completed", "name": "Inés Rivera", "phoneNumber": "(787) 555-0199", "email": "ines@example.com" });
    assert_eq!(target.webhook(by_reference.clone()).await, result(201, "recorded"));
    assert!(fixture.noted().await.len() >= 4);

    for outage in [Outage::Unavailable, Outage::BadGatewayPage, Outage::InternalError] {
        fixture.simulator.fail_with(outage);
        let mut of_another = by_reference.clone();
        of_another["referenceNumber"] = json!("12-ab");
        assert_eq!(target.webhook(of_another).await, result(202, "pending"));
        fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-8")).await.unwrap_err();
    }
    let transaction = target.recorded(&id).await.unwrap();
    let shown = format!("{transaction:?} {:?} {:?}", fixture.athm, fixture.athm.provider());
    assert_eq!(athm_tests::secrecy::find_leak(&shown), None, "{shown}");
}

#[tokio::test]
async fn a_customer_that_cannot_be_parsed_is_in_no_error_and_no_log() {
    let target = Target::open().await;
    for (field, value) in [
        ("name", json!({ "first": "Marisol", "last": "Vega" })),
        ("phoneNumber", json!(["7875550142"])),
        ("email", json!(["marisol@example.net"])),
        ("message", json!({ "from": "Marisol Vega" })),
    ] {
        // The access log of the service tells the error of every request that has one.
        let answer = target.callback(json!({ "ecommerceId": ecommerce_id(1), field: value })).await;
        assert_eq!(answer, result(422, "refused"), "{field}");
    }
}

#[tokio::test]
async fn a_webhooks_secret_is_in_no_debug_and_no_error() {
    let secret: athm_core::WebhookSecret = WEBHOOK_SECRET.parse().unwrap();
    let wrong = format!("{WEBHOOK_SECRET}/").parse::<athm_core::WebhookSecret>().unwrap_err();
    let shown = format!("{secret:?} {wrong:?} {wrong}");
    assert_eq!(athm_tests::secrecy::find_leak(&shown), None, "{shown}");
}
