//! Receives money without a checkout, and sends test events.

use actix_web::{HttpResponse, web};
use athm_core::{Amount, TransactionKind};
use serde::Deserialize;

use super::{FormOrJson, into_inner, redirect_to_page};
use crate::json;
use crate::payment::SimulatedPayment;
use crate::shared::Shared;

#[derive(Deserialize)]
pub(super) struct Received {
    kind: String,
    total: String,
    #[serde(default)]
    message: String,
}

/// An app payment or a donation.
pub(super) async fn receive(shared: web::Data<Shared>, body: FormOrJson<Received>) -> HttpResponse {
    let Some(Received { kind, total, message }) = into_inner(body) else {
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
    let mut ledger = shared.ledger();
    let id = ledger.new_ecommerce_id();
    ledger.receive(payment.ecommerce_id(id));
    redirect_to_page().finish()
}

pub(super) async fn test_webhook(shared: web::Data<Shared>) -> HttpResponse {
    let now = shared.ledger().now();
    shared.webhooks().send(&SimulatedPayment::test_event(), &shared.settings().business, now);
    redirect_to_page().finish()
}
