//! A payment is asked for by its ticket.

use actix_web::{HttpResponse, web};
use athm_core::TransactionKind;

use super::Refusal;
use crate::simulator::answers::{Find, Success};
use crate::simulator::shared::Shared;

pub(super) async fn find(shared: web::Data<Shared>, body: web::Bytes) -> Result<HttpResponse, Refusal> {
    let id = super::ecommerce_id(&super::body(&shared, &body)?)?;
    let mut ledger = shared.ledger();
    let entry = ledger.entry(&id).filter(|entry| entry.payment.kind == TransactionKind::Ecommerce);
    let payment = &entry.ok_or_else(Refusal::unknown_payment)?.payment;
    Ok(HttpResponse::Ok().json(Success::new(Find::new(payment, &shared.settings().business))))
}
