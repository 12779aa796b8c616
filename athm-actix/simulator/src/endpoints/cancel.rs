//! The merchant withdraws a payment.

use actix_web::{HttpResponse, web};

use super::Refusal;
use super::tokens::with_public_token;
use crate::answers::Success;
use crate::call::Call;
use crate::shared::Shared;

pub(super) async fn cancel(shared: web::Data<Shared>, call: Call, body: web::Bytes) -> Result<HttpResponse, Refusal> {
    let id = super::ecommerce_id(&with_public_token(&shared, &body)?)?;
    call.is_about(&shared, id);
    shared.ledger().cancel(&id, call.effect).map_err(|error| Refusal::of(&error))?;
    Ok(HttpResponse::Ok().json(Success::new("The payment is cancelled.")))
}
