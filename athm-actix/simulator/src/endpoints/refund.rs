//! Refunds a payment for the merchant.

use actix_web::{HttpResponse, web};
use athm_core::Amount;

use super::create::required;
use super::tokens::with_both_tokens;
use crate::answers::{Refunded, Success};
use crate::refusal::Refusal;
use crate::request::ApiRequest;
use crate::shared::Shared;

const MAX_MESSAGE: usize = 50;

pub(super) async fn refund(
    shared: web::Data<Shared>,
    request: ApiRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Refusal> {
    let fields = with_both_tokens(&shared, &body)?;
    required(&fields, "referenceNumber")?;
    required(&fields, "amount")?;
    let reference = fields.text(&["referenceNumber"])?.unwrap_or_default();
    let amount = fields.amount(&["amount"])?.unwrap_or_default();
    request.log_amount(&shared, amount);
    let message = fields.text(&["message"])?;

    let mut ledger = shared.ledger();
    let original = ledger.by_reference(&reference).map(|entry| entry.payment.ecommerce_id);
    let original = original.ok_or_else(Refusal::unknown_reference)?;
    request.log_payment(&shared, original);
    if amount == Amount::ZERO {
        return Err(Refusal::zero());
    }
    if message.as_deref().unwrap_or_default().chars().count() > MAX_MESSAGE {
        return Err(Refusal::message());
    }
    let reference = shared.settings().refund_reference;
    let refund =
        ledger.refund(&original, amount, message, reference, request.effect()).map_err(|error| Refusal::of(&error))?;
    // Without effect there is no refund; the fault replaces this answer.
    let refund = refund.ok_or_else(Refusal::internal)?;
    let mut payment = |id| ledger.entry(&id).map(|entry| entry.payment.clone()).ok_or_else(Refusal::internal);
    let (refund, mut original) = (payment(refund)?, payment(original)?);
    if request.has_stale_refunded_amount() {
        original.refunded_amount = original.refunded_amount.checked_sub(amount).unwrap_or_default();
    }
    Ok(HttpResponse::Ok().json(Success::new(Refunded::new(&refund, &original))))
}
