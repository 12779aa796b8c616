//! Money that comes in without a checkout, and test events.

use actix_web::{HttpResponse, web};
use athm_core::{Amount, TransactionKind};
use serde::Deserialize;

use super::{Told, back_to_the_phone, told};
use crate::simulator::shared::Shared;
use crate::simulator::{SimulatedPayment, json};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/simulator/received", web::post().to(receive))
        .route("/simulator/test-webhook", web::post().to(test_webhook));
}

#[derive(Deserialize)]
struct Received {
    kind: String,
    total: String,
    #[serde(default)]
    message: String,
}

/// An app payment or a donation.
async fn receive(shared: web::Data<Shared>, body: Told<Received>) -> HttpResponse {
    let Some(Received { kind, total, message }) = told(body) else {
        return json::field_error("kind", "kind, total and perhaps message must be texts, in a form or in JSON");
    };
    let kind = match kind.as_str() {
        "payment" => TransactionKind::Payment,
        "donation" => TransactionKind::Donation,
        _ => return json::field_error("kind", "kind must be payment or donation"),
    };
    let total = match total.trim().parse() {
        Ok(total) if total > Amount::ZERO => total,
        _ => return json::field_error("total", "total must be an amount of dollars, such as 5.00"),
    };
    let payment = SimulatedPayment::new(total).kind(kind).customer_message(message.trim());
    shared.ledger().receive(payment);
    back_to_the_phone().finish()
}

async fn test_webhook(shared: web::Data<Shared>) -> HttpResponse {
    let now = shared.ledger().now();
    shared.webhooks().send(&SimulatedPayment::test_event(), &shared.settings().business, now);
    back_to_the_phone().finish()
}
