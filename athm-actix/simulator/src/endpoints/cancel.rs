//! Cancels a payment for the merchant.

use actix_web::{HttpResponse, web};

use super::tokens::with_public_token;
use crate::answers::Success;
use crate::refusal::Refusal;
use crate::request::ApiRequest;
use crate::shared::Shared;

pub(super) async fn cancel(
    shared: web::Data<Shared>,
    request: ApiRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Refusal> {
    let id = super::ecommerce_id(&with_public_token(&shared, &body)?)?;
    request.log_payment(&shared, id);
    shared.ledger().cancel(&id, request.effect()).map_err(|error| Refusal::of(&error))?;
    Ok(HttpResponse::Ok().json(Success::new("The payment is cancelled.")))
}
