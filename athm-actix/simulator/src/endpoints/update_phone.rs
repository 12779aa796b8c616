//! Sends an open payment to another phone.

use actix_web::{HttpRequest, HttpResponse, web};

use super::create::phone;
use super::tokens::payment_of_bearer;
use crate::answers::Success;
use crate::refusal::Refusal;
use crate::request::ApiRequest;
use crate::shared::Shared;

pub(super) async fn update_phone(
    shared: web::Data<Shared>,
    request: ApiRequest,
    http: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Refusal> {
    let mut ledger = shared.ledger();
    let of_the_token = payment_of_bearer(&mut ledger, http.headers())?.payment.ecommerce_id;
    let fields = super::object(&body)?;
    let id = super::ecommerce_id(&fields)?;
    request.log_payment(&shared, id);
    if id != of_the_token {
        return Err(Refusal::not_the_owner());
    }
    let number = phone(&fields)?.ok_or_else(|| Refusal::blank("phoneNumber"))?;
    ledger.update_phone(&id, number, request.effect()).map_err(|error| Refusal::of(&error))?;
    Ok(HttpResponse::Ok().json(Success::new("The phone number is updated.")))
}
