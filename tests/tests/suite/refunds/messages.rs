//! Refunds that a message reports.

use std::sync::Arc;
use std::time::Duration;

use athm_core::refunds::RefundState;
use athm_core::{Message, MessageResult, NewRefund, Sender};
use athm_simulator::SimulatedPayment;
use athm_tests::{MerchantFault, TextRecorder, completed_payment, eventually, trusting_builder};
use futures_util::future::join;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{FIRED, cents, fired, partial, refund_event, refunded, states, webhook};
use crate::{Database, MerchantFixture};

#[tokio::test]
async fn a_webhook_that_arrives_before_the_response_records_the_same_refund() {
    let merchant = MerchantFixture::open().await;
    let (paid, go) = (merchant.paid().await, Arc::new(Notify::new()));
    merchant.fail_next("/refund", MerchantFault::ResponseHeld(Arc::clone(&go)));
    let refunding = merchant.athm.refund(paid.id(), partial(700));
    let overtaking = async {
        eventually(async || merchant.provider.request_count("/refund") == 1).await;
        assert_eq!(webhook(&merchant, refund_event("12-ab", "7.00")).await, MessageResult::Recorded);
        go.notify_one();
    };
    let (refund, ()) = join(refunding, overtaking).await;
    assert_eq!(refund.unwrap().daily_transaction_id.as_deref(), Some("0700"));
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
    assert_eq!(fired(&merchant).await, ["received by webhook", "refunded by webhook"]);
}

#[tokio::test]
async fn a_webhook_may_name_the_payment_or_the_refund_itself() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.athm.refund(paid.id(), partial(700)).await.unwrap();
    assert_eq!(webhook(&merchant, refund_event("12-ab", "7.00")).await, MessageResult::Known);
    assert_eq!(webhook(&merchant, refund_event("refund-700", "7.00")).await, MessageResult::Known);
    assert_eq!(fired(&merchant).await, FIRED);

    merchant.refund_elsewhere(300);
    assert_eq!(webhook(&merchant, refund_event("refund-700", "7.00")).await, MessageResult::Recorded);
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700), (RefundState::Done, 300)]);
    let both = ["received by refund", "received by webhook", "refunded by refund", "refunded by webhook"];
    assert_eq!(fired(&merchant).await, both);
}

#[tokio::test]
async fn a_forged_refund_event_refunds_nothing() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    assert_eq!(webhook(&merchant, refund_event("12-ab", "25.00")).await, MessageResult::Pending);
    assert_eq!(
        (states(&merchant, &paid).await.len(), refunded(&merchant, &paid).await, fired(&merchant).await.len()),
        (0, 0, 0)
    );
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(2500));
}

/// A refund made in the provider's app is reported under a reference that isn't recorded yet.
#[tokio::test]
async fn a_refund_event_with_its_own_reference_is_matched_to_its_customers_payment() {
    let fixture = crate::SimulatorFixture::open().await;
    let paid_by = |phone: &str| {
        let email = format!("{phone}@example.com");
        completed_payment().customer_name("Inés Rivera").customer_phone(phone).customer_email(email)
    };
    let other = fixture.simulator.insert(paid_by("7875550100"));
    let paid = fixture.simulator.insert(paid_by("7875550199"));
    let event = |payment: &SimulatedPayment, kind: &str| {
        let reference = payment.reference_number.as_ref().unwrap();
        json!({ "transactionType": kind, "status": "completed", "referenceNumber": reference, "total": payment.total.to_string() })
    };
    for payment in [&other, &paid] {
        let payment = fixture.simulator.payment(payment).unwrap();
        assert_eq!(fixture.webhook(event(&payment, "ecommerce")).await, MessageResult::Recorded);
    }
    for amount in [500, 500] {
        let refund = fixture.simulator.refund(&paid, cents(amount)).unwrap();
        let refund = fixture.simulator.payment(&refund).unwrap();
        assert_eq!(fixture.webhook(event(&refund, "refund")).await, MessageResult::Recorded);
        assert_eq!(fixture.webhook(event(&refund, "refund")).await, MessageResult::Known);
    }
    let reference = fixture.simulator.payment(&paid).unwrap().reference_number.unwrap();
    let payment = fixture.athm.transaction_by_reference(&reference).await.unwrap().unwrap();
    let refunds = fixture.athm.refunds().of(payment.id()).await.unwrap();
    assert_eq!(refunds.iter().map(|refund| refund.amount.cents()).collect::<Vec<_>>(), [500, 500]);
    assert!(refunds.iter().all(|refund| refund.reference_number.is_some() && !refund.is_ours));
    let fired = fixture.noted().await[4..].iter().filter(|noted| *noted == "refunded by webhook").count();
    assert_eq!((fired, fixture.noted().await.len()), (2, 8));

    let stranger = fixture.simulator.insert(paid_by("7875550142"));
    let refund = fixture.simulator.refund(&stranger, cents(500)).unwrap();
    let refund = fixture.simulator.payment(&refund).unwrap();
    assert_eq!(fixture.webhook(event(&refund, "refund")).await, MessageResult::Known);
    assert_eq!(fixture.noted().await.len(), 8);
}

/// Without verification, a refund's message is its only source.
#[tokio::test]
async fn a_trusted_refund_message_counts_once_and_only_for_a_known_payment() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    let receive = async |body: Value| {
        let callback = Message::parse("application/json", body.to_string().as_bytes()).unwrap();
        athm.receive(callback, Sender::WEBHOOK, body.to_string().into_bytes()).await.unwrap()
    };
    let refund = |daily: &str| {
        json!({ "transactionType": "refund", "status": "completed", "referenceNumber": "12-ab", "total": "5.00",
                "dailyTransactionID": daily, "date": "2020-01-01 12:00:00.0" })
    };
    assert_eq!(receive(refund("0041")).await, MessageResult::Known);
    let paid =
        json!({ "transactionType": "ecommerce", "status": "completed", "referenceNumber": "12-ab", "total": "25.00" });
    assert_eq!(receive(paid).await, MessageResult::Recorded);
    assert_eq!(receive(refund("0041")).await, MessageResult::Recorded);
    assert_eq!(receive(refund("41")).await, MessageResult::Known);
    assert_eq!(receive(refund("0042")).await, MessageResult::Recorded);
    // Without a number it counts as a refund that is recorded already.
    assert_eq!(receive(refund_event("12-ab", "5.00")).await, MessageResult::Known);
    let payment = athm.transaction_by_reference(&"12-ab".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(payment.refunded_amount(), cents(1000));
    let refunds = athm.refunds().of(payment.id()).await.unwrap();
    assert_eq!(refunds.iter().map(|refund| refund.amount.cents()).collect::<Vec<_>>(), [500, 500]);
    athm.idle().await;
    assert_eq!(recorder.noted().iter().filter(|noted| noted.starts_with("refunded")).count(), 2);
    athm.shutdown(Duration::from_secs(5)).await;
}
