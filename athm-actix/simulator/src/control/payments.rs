//! Adds, shows, approves, declines and refunds payments.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use athm_core::ids::EcommerceId;
use serde::Serialize;

use super::{redirect_to_page, wants_page};
use crate::answers::{Find, Success};
use crate::business::Business;
use crate::error::SimulatorError;
use crate::faults::Effect;
use crate::fields::Fields;
use crate::json;
use crate::ledger::{Entry, Ledger};
use crate::payment;
use crate::shared::Shared;

pub(super) async fn insert(shared: web::Data<Shared>, body: web::Bytes) -> HttpResponse {
    let Some(fields) = Fields::parse(&body) else {
        return json::error(StatusCode::BAD_REQUEST, "the body must be a JSON object: the data of a find answer");
    };
    let mut payment = match payment::from_json(&fields) {
        Ok(payment) => payment,
        Err(field) => return json::field_error(&field.name, &field.message()),
    };
    let mut ledger = shared.ledger();
    if fields.is_absent("ecommerceId") {
        payment.ecommerce_id = ledger.new_ecommerce_id();
    }
    let id = ledger.insert(payment);
    answer(&mut ledger, &id, |entry, business| {
        HttpResponse::Created().json(Success::new(Find::new(&entry.payment, business)))
    })
}

/// For the checkout script on pages of any origin: an `ecommerceId` can't be guessed.
pub(super) async fn show(shared: web::Data<Shared>, id: web::Path<String>) -> HttpResponse {
    let mut answer = match id.parse() {
        Ok(id) => state(&mut shared.ledger(), &id, HttpResponse::Ok()),
        Err(_) => unknown(&id),
    };
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

pub(super) async fn approve(shared: web::Data<Shared>, id: web::Path<String>, request: HttpRequest) -> HttpResponse {
    decide(&shared, &id, &request, Ledger::approve)
}

pub(super) async fn decline(shared: web::Data<Shared>, id: web::Path<String>, request: HttpRequest) -> HttpResponse {
    decide(&shared, &id, &request, |ledger, id| ledger.cancel(id, Effect::Done))
}

fn decide(
    shared: &Shared,
    id: &str,
    request: &HttpRequest,
    decision: impl FnOnce(&mut Ledger, &EcommerceId) -> Result<(), SimulatorError>,
) -> HttpResponse {
    let Ok(id) = id.parse() else { return unknown(id) };
    let mut ledger = shared.ledger();
    match decision(&mut ledger, &id) {
        Ok(()) => state(&mut ledger, &id, redirect_to_page()),
        // The page may be outdated; the redirect shows the current state.
        Err(_) if wants_page(request) => redirect_to_page().finish(),
        Err(SimulatorError::UnknownPayment { id }) => unknown(&id.to_string()),
        Err(error) => json::error(StatusCode::CONFLICT, &error.to_string()),
    }
}

/// The business refunds what is left.
pub(super) async fn refund(shared: web::Data<Shared>, id: web::Path<String>, request: HttpRequest) -> HttpResponse {
    let reference = shared.settings().refund_reference;
    decide(&shared, &id, &request, |ledger, id| {
        let left = ledger.entry(id).map(|entry| entry.payment.refundable()).unwrap_or_default();
        ledger.refund(id, left, None, reference, Effect::Done).map(drop)
    })
}

/// `{"outcome": …, "find": …}`.
#[derive(Serialize)]
struct State<'a> {
    /// Distinguishes expired from cancelled, which the find answer doesn't.
    outcome: String,
    find: Success<Find<'a>>,
}

fn state(ledger: &mut Ledger, id: &EcommerceId, mut builder: HttpResponseBuilder) -> HttpResponse {
    answer(ledger, id, |entry, business| {
        let payment = &entry.payment;
        builder.json(State { outcome: payment.status.to_string(), find: Success::new(Find::new(payment, business)) })
    })
}

fn answer(
    ledger: &mut Ledger,
    id: &EcommerceId,
    render: impl FnOnce(&Entry, &Business) -> HttpResponse,
) -> HttpResponse {
    let business = ledger.business().clone();
    ledger.entry(id).map_or_else(|| unknown(&id.to_string()), |entry| render(entry, &business))
}

fn unknown(id: &str) -> HttpResponse {
    json::error(StatusCode::NOT_FOUND, &format!("the simulator has no payment {id}"))
}
