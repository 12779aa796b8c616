//! The merchant withdraws a payment.

use actix_web::{HttpResponse, web};

use super::Refusal;
use crate::simulator::answers::Success;
use crate::simulator::shared::Shared;

pub(super) async fn cancel(shared: web::Data<Shared>, body: web::Bytes) -> Result<HttpResponse, Refusal> {
    let id = super::ecommerce_id(&super::body(&shared, &body)?)?;
    shared.ledger().cancel(&id).map_err(|error| Refusal::ended(&error))?;
    Ok(HttpResponse::Ok().json(Success::new("The payment is cancelled.")))
}
