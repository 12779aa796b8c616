//! The merchant takes the money of an approved payment.

use actix_web::{HttpRequest, HttpResponse, web};

use super::Refusal;
use super::tokens::payment_of_bearer;
use crate::SimulatorError;
use crate::answers::{Find, Success};
use crate::call::Call;
use crate::shared::Shared;

pub(super) async fn authorize(
    shared: web::Data<Shared>,
    call: Call,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let mut ledger = shared.ledger();
    let id = payment_of_bearer(&mut ledger, request.headers())?.payment.ecommerce_id;
    call.is_about(&shared, id);
    match ledger.authorize(&id, call.effect) {
        Ok(()) => {}
        Err(SimulatorError::OverLimit { .. }) => return Err(Refusal::over_the_cards_limit()),
        // Of parallel calls one wins; the others are told that the payment isn't confirmed, although it is paid.
        Err(_) => return Err(Refusal::not_confirmed()),
    }
    let entry = ledger.entry(&id).ok_or_else(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(Success::new(Find::new(&entry.payment, &shared.settings().business))))
}
