//! The merchant takes the money of an approved payment.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};

use super::Refusal;
use crate::simulator::answers::{Find, Success};
use crate::simulator::clock;
use crate::simulator::shared::Shared;

pub(super) async fn authorize(shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let token = bearer(request.headers()).ok_or_else(Refusal::header)?;
    let mut ledger = shared.ledger();
    let now = ledger.now();
    let entry = ledger.entry_by_token(token).ok_or_else(Refusal::header)?;
    if now >= entry.token_ends {
        let since = clock::local(entry.token_ends).strftime("%a %b %d %H:%M:%S AST %Y");
        return Err(Refusal::expired(since));
    }
    let id = entry.payment.ecommerce_id;
    // Of parallel calls one wins; the others are told that the payment isn't confirmed, although it is paid.
    ledger.authorize(&id).map_err(|_| Refusal::not_confirmed())?;
    let entry = ledger.entry(&id).ok_or_else(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(Success::new(Find::new(&entry.payment, &shared.settings().business))))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
