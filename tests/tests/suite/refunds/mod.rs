//! Refunds: never more than the remaining amount, never sent twice, and recorded once from whichever source.

mod answers;
mod attributed;
mod faults;
mod merging;
mod messages;
mod report;
mod requests;
mod unknown_outcomes;

use std::time::Duration;

use athm_core::refunds::{RefundRecord, RefundState};
use athm_core::{Amount, Message, MessageResult, NewRefund, Sender, Transaction};
use serde_json::{Value, json};

use crate::MerchantFixture;

const FIRED: [&str; 2] = ["received by refund", "refunded by refund"];
const TWICE: [&str; 4] = [FIRED[0], FIRED[0], FIRED[1], FIRED[1]];
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn cents(cents: i64) -> Amount {
    Amount::from_cents(cents)
}

fn partial(amount: i64) -> NewRefund {
    NewRefund::partial(cents(amount))
}

/// The signals since the payment was completed, sorted: deliveries of several refunds run in any order.
async fn fired(merchant: &MerchantFixture) -> Vec<String> {
    let mut fired = merchant.noted().await.split_off(2);
    fired.sort();
    fired
}

async fn listed(merchant: &MerchantFixture, payment: &Transaction) -> Vec<RefundRecord> {
    merchant.athm.refunds().of(payment.id()).await.unwrap()
}

/// The state and the cents of each refund of a payment.
async fn states(merchant: &MerchantFixture, payment: &Transaction) -> Vec<(RefundState, i64)> {
    listed(merchant, payment).await.into_iter().map(|refund| (refund.state, refund.amount.cents())).collect()
}

async fn refunded(merchant: &MerchantFixture, payment: &Transaction) -> i64 {
    merchant.athm.transaction(payment.id()).await.unwrap().unwrap().refunded_amount().cents()
}

async fn webhook(merchant: &MerchantFixture, body: Value) -> MessageResult {
    let body = body.to_string().into_bytes();
    let callback = Message::parse("application/json", &body).unwrap();
    merchant.athm.receive(callback, Sender::WEBHOOK, body).await.unwrap()
}

fn refund_event(reference: &str, amount: &str) -> Value {
    json!({ "transactionType": "refund", "status": "completed", "referenceNumber": reference, "total": amount })
}
