//! Finds a payment by its `ecommerceId`.

use actix_web::{HttpResponse, web};
use athm_core::TransactionKind;

use super::tokens::with_public_token;
use crate::answers::{Find, Success};
use crate::faults::View;
use crate::refusal::Refusal;
use crate::request::ApiRequest;
use crate::shared::Shared;

pub(super) async fn find(
    shared: web::Data<Shared>,
    request: ApiRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Refusal> {
    let id = super::ecommerce_id(&with_public_token(&shared, &body)?)?;
    request.log_payment(&shared, id);
    let mut ledger = shared.ledger();
    let now = ledger.now();
    let payment = ledger.entry(&id).and_then(|entry| entry.visible(View::Find, now));
    let payment = payment.filter(|payment| payment.kind == TransactionKind::Ecommerce);
    let payment = payment.ok_or_else(Refusal::unknown_payment)?;
    Ok(HttpResponse::Ok().json(Success::new(Find::new(payment, &shared.settings().business))))
}
