//! Which refund a message is about: only a matching detail or an increase since its arrival settles it.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::refunds::RefundState;
use athm_core::{MessageResult, Transaction};
use athm_simulator::{SimulatedPayment, View};
use athm_tests::{advance_until, completed_payment};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{cents, states, webhook};
use crate::{MerchantFixture, SimulatorFixture};

fn event(amount: &str, daily: &str) -> Value {
    json!({ "transactionType": "refund", "status": "completed", "referenceNumber": "12-ab", "total": amount,
            "dailyTransactionID": daily })
}

#[tokio::test]
async fn a_refund_that_find_does_not_show_yet_is_waited_for_although_an_older_one_is_larger() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.refund_elsewhere(1000);
    assert_eq!(webhook(&merchant, event("10.00", "0200")).await, MessageResult::Recorded);
    merchant.refund_elsewhere(300);
    merchant.report_refunded(Some(1000));
    assert_eq!(webhook(&merchant, event("3.00", "0201")).await, MessageResult::Pending);
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 1000)]);
    merchant.report_refunded(None);
    merchant.advance_until(async || states(&merchant, &paid).await.len() == 2).await;
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 1000), (RefundState::Done, 300)]);
    // Whether the waiting webhook's retry or the search for its customer reads the increase first is chance.
    let noted = merchant.noted().await;
    assert_eq!(noted.iter().filter(|noted| noted.starts_with("refunded by ")).count(), 2, "{noted:?}");
}

#[tokio::test]
async fn two_refunds_that_wait_are_settled_by_an_increase_that_holds_both() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.refund_elsewhere(700);
    merchant.report_refunded(Some(0));
    assert_eq!(webhook(&merchant, event("3.00", "0200")).await, MessageResult::Pending);
    assert_eq!(webhook(&merchant, event("4.00", "0201")).await, MessageResult::Pending);
    // The larger of them shows first.
    merchant.report_refunded(Some(400));
    merchant.advance_until(async || states(&merchant, &paid).await.len() == 1).await;
    merchant.report_refunded(None);
    merchant.advance_until(async || states(&merchant, &paid).await.len() == 2).await;
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 400), (RefundState::Done, 300)]);
}

fn paid_by_ines() -> SimulatedPayment {
    completed_payment().customer_name("Inés Rivera").customer_phone("7875550199").customer_email("ines@example.com")
}

/// The simulator's news of a payment or a refund, which name it by its reference number.
async fn announced(fixture: &SimulatorFixture, id: &EcommerceId, kind: &str) -> MessageResult {
    let payment = fixture.simulator.payment(id).unwrap();
    let (reference, total) = (payment.reference_number.unwrap(), payment.total.to_string());
    let event = json!({ "transactionType": kind, "status": "completed", "referenceNumber": reference, "total": total });
    fixture.webhook(event).await
}

async fn recorded(fixture: &SimulatorFixture, id: &EcommerceId) -> Transaction {
    let reference = fixture.simulator.payment(id).unwrap().reference_number.unwrap();
    fixture.athm.transaction_by_reference(&reference).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_refund_of_a_customers_older_payment_is_not_written_into_their_newer_one() {
    let fixture = SimulatorFixture::open().await;
    let older = fixture.simulator.insert(paid_by_ines());
    assert_eq!(announced(&fixture, &older, "ecommerce").await, MessageResult::Recorded);
    fixture.clock.advance(Duration::from_secs(60));
    let newer = fixture.simulator.insert(paid_by_ines());
    assert_eq!(announced(&fixture, &newer, "ecommerce").await, MessageResult::Recorded);
    // The newer one has a refund that was seen without detail, and that is large enough.
    fixture.simulator.refund(&newer, cents(800)).unwrap();
    let reference = fixture.simulator.payment(&newer).unwrap().reference_number.unwrap();
    let seen = fixture.athm.provider().unwrap().find_by_reference(&reference).await.unwrap();
    fixture.athm.record(seen, athm_core::Sender::new("test")).await.unwrap();
    assert_eq!(recorded(&fixture, &newer).await.refunded_amount(), cents(800));

    let refund = fixture.simulator.refund(&older, cents(300)).unwrap();
    assert_eq!(announced(&fixture, &refund, "refund").await, MessageResult::Recorded);
    assert_eq!(recorded(&fixture, &older).await.refunded_amount(), cents(300));
    let refunds = fixture.athm.refunds().of(recorded(&fixture, &newer).await.id()).await.unwrap();
    assert_eq!(refunds.iter().map(|refund| refund.amount).collect::<Vec<_>>(), [cents(800)]);
}

#[tokio::test]
async fn reconciling_finds_the_payment_of_a_refund_that_is_older_than_the_range() {
    let fixture = SimulatorFixture::open().await;
    let paid = fixture.simulator.insert(paid_by_ines().date(fixture.clock.now() - SignedDuration::from_hours(72)));
    assert_eq!(announced(&fixture, &paid, "ecommerce").await, MessageResult::Recorded);
    fixture.simulator.refund(&paid, cents(500)).unwrap();
    let hour = Duration::from_secs(3600);
    fixture.simulator.skip(hour);
    fixture.clock.advance(hour);
    let (from, until) = (fixture.clock.now() - SignedDuration::from_hours(24), fixture.clock.now());
    let dry = fixture.athm.reconcile(from, until).dry_run().await.unwrap();
    assert_eq!(dry.unattributed, []);
    let reconciled = fixture.athm.reconcile(from, until).run().await.unwrap();
    assert!(reconciled.agrees(), "{reconciled:?}");
    assert_eq!((reconciled.events, recorded(&fixture, &paid).await.refunded_amount()), (1, cents(500)));
    assert_eq!(fixture.noted().await[2..], ["received by reconcile", "refunded by reconcile"]);
}

#[tokio::test]
async fn reconciling_lists_a_refund_that_belongs_to_no_payment_we_know() {
    let fixture = SimulatorFixture::open().await;
    let unknown = fixture.simulator.insert(paid_by_ines().date(fixture.clock.now() - SignedDuration::from_hours(72)));
    fixture.simulator.refund(&unknown, cents(500)).unwrap();
    let hour = Duration::from_secs(3600);
    fixture.simulator.skip(hour);
    fixture.clock.advance(hour);
    let (from, until) = (fixture.clock.now() - SignedDuration::from_hours(24), fixture.clock.now());
    for _ in 0..2 {
        let reconciled = fixture.athm.reconcile(from, until).run().await.unwrap();
        let amounts: Vec<_> = reconciled.unattributed.iter().map(|refund| refund.amount).collect();
        assert_eq!((amounts, reconciled.agrees()), (vec![cents(500)], false));
    }
}

#[tokio::test]
async fn a_webhook_whose_reference_the_search_does_not_know_yet_waits_for_it() {
    let fixture = SimulatorFixture::open().await;
    fixture.simulator.set_lag(View::Search, Duration::from_secs(30));
    let id = fixture.simulator.insert(completed_payment());
    assert_eq!(announced(&fixture, &id, "ecommerce").await, MessageResult::Pending);
    fixture.simulator.skip(Duration::from_secs(30));
    advance_until(&fixture.clock, async || fixture.recorder.noted().len() == 2).await;
    assert_eq!(fixture.noted().await, ["received by webhook", "completed by webhook"]);
}

#[tokio::test]
async fn a_reference_that_the_provider_never_knows_is_refused_after_some_minutes() {
    let fixture = SimulatorFixture::open().await;
    let event = json!({ "transactionType": "ecommerce", "status": "completed", "referenceNumber": "99-invented" });
    assert_eq!(fixture.webhook(event.clone()).await, MessageResult::Pending);
    let passing = fixture.eventually(|| {
        fixture.clock.advance(Duration::from_secs(5));
        fixture.request_count("/searchTransaction") == 8
    });
    passing.await;
    fixture.clock.advance(Duration::from_secs(24 * 3600));
    fixture.athm.idle().await;
    assert_eq!((fixture.request_count("/searchTransaction"), fixture.noted().await.len()), (8, 0));
}
