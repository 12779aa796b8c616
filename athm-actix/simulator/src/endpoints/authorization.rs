//! Authorizes an approved payment: the money moves.

use actix_web::{HttpRequest, HttpResponse, web};

use super::tokens::payment_of_bearer;
use crate::answers::{Find, Success};
use crate::error::SimulatorError;
use crate::refusal::Refusal;
use crate::request::ApiRequest;
use crate::shared::Shared;

pub(super) async fn authorize(
    shared: web::Data<Shared>,
    request: ApiRequest,
    http: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let mut ledger = shared.ledger();
    let id = payment_of_bearer(&mut ledger, http.headers())?.payment.ecommerce_id;
    request.log_payment(&shared, id);
    if let Some(total) = request.other_total() {
        ledger.change_total(&id, total);
    }
    match ledger.authorize(&id, request.effect()) {
        Ok(()) => {}
        Err(SimulatorError::OverLimit { .. }) => return Err(Refusal::over_the_cards_limit()),
        // Like the provider, parallel calls that lose are answered "not confirmed", although the payment is paid.
        Err(_) => return Err(Refusal::not_confirmed()),
    }
    let entry = ledger.entry(&id).ok_or_else(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(Success::new(Find::new(&entry.payment, &shared.settings().business))))
}
