//! A payment is asked for by its ticket.

use actix_web::{HttpResponse, web};
use athm_core::TransactionKind;

use super::Refusal;
use super::tokens::with_public_token;
use crate::answers::{Find, Success};
use crate::call::Call;
use crate::shared::Shared;

pub(super) async fn find(shared: web::Data<Shared>, call: Call, body: web::Bytes) -> Result<HttpResponse, Refusal> {
    let id = super::ecommerce_id(&with_public_token(&shared, &body)?)?;
    call.is_about(&shared, id);
    let mut ledger = shared.ledger();
    let now = ledger.now();
    let payment = ledger.entry(&id).and_then(|entry| entry.seen(now));
    let payment = payment.filter(|payment| payment.kind == TransactionKind::Ecommerce);
    let payment = payment.ok_or_else(Refusal::unknown_payment)?;
    Ok(HttpResponse::Ok().json(Success::new(Find::new(payment, &shared.settings().business))))
}
