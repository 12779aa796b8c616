//! The simulator's own endpoints: seeding, the customer's decision, time, and what became of a payment.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::{Either, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use athm_core::EcommerceId;
use serde::{Deserialize, Serialize};

use super::answers::{Find, Success};
use super::business::Business;
use super::fields::Fields;
use super::ledger::{Entry, Ledger};
use super::shared::Shared;
use super::{SimulatorError, json, seed};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/simulator/payments", web::post().to(insert))
        .route("/simulator/payments/{id}", web::get().to(outcome))
        .route("/simulator/payments/{id}/approve", web::post().to(approve))
        .route("/simulator/payments/{id}/decline", web::post().to(decline))
        .route("/simulator/time", web::post().to(skip));
}

pub(super) async fn not_found(request: HttpRequest) -> HttpResponse {
    let what = format!("the simulator has no {} {}", request.method(), request.path());
    json::error(StatusCode::NOT_FOUND, &what)
}

async fn insert(shared: web::Data<Shared>, body: web::Bytes) -> HttpResponse {
    let Some(fields) = Fields::parse(&body) else {
        return json::error(StatusCode::BAD_REQUEST, "the body must be a JSON object: the data of a find answer");
    };
    let payment = match seed::payment(&fields) {
        Ok(payment) => payment,
        Err(field) => return json::field_error(&field.name, &field.message()),
    };
    let mut ledger = shared.ledger();
    let id = ledger.insert(payment);
    answer(&mut ledger, &id, |entry, business| {
        HttpResponse::Created().json(Success::new(Find::new(&entry.payment, business)))
    })
}

/// What the provider's checkout script would know, for pages of any origin: an `ecommerceId` can't be guessed.
async fn outcome(shared: web::Data<Shared>, id: web::Path<String>) -> HttpResponse {
    let mut answer = match id.parse() {
        Ok(id) => state(&mut shared.ledger(), &id, HttpResponse::Ok()),
        Err(_) => unknown(&id),
    };
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn approve(shared: web::Data<Shared>, id: web::Path<String>, request: HttpRequest) -> HttpResponse {
    decide(&shared, &id, &request, Ledger::approve)
}

async fn decline(shared: web::Data<Shared>, id: web::Path<String>, request: HttpRequest) -> HttpResponse {
    decide(&shared, &id, &request, Ledger::cancel)
}

fn decide(
    shared: &Shared,
    id: &str,
    request: &HttpRequest,
    decision: fn(&mut Ledger, &EcommerceId) -> Result<(), SimulatorError>,
) -> HttpResponse {
    let Ok(id) = id.parse() else { return unknown(id) };
    let mut ledger = shared.ledger();
    match decision(&mut ledger, &id) {
        Ok(()) => state(&mut ledger, &id, back_to_the_phone()),
        // The page may be older than the payment's end; it shows how things stand now.
        Err(_) if wants_page(request) => back_to_the_phone().finish(),
        Err(SimulatorError::UnknownPayment { id }) => unknown(&id.to_string()),
        Err(error) => json::error(StatusCode::CONFLICT, &error.to_string()),
    }
}

#[derive(Deserialize)]
struct Skip {
    seconds: u64,
}

async fn skip(shared: web::Data<Shared>, body: Option<Either<web::Form<Skip>, web::Json<Skip>>>) -> HttpResponse {
    let Skip { seconds } = match body {
        Some(Either::Left(form)) => form.into_inner(),
        Some(Either::Right(json)) => json.into_inner(),
        None => return json::field_error("seconds", "seconds must be a whole number, in a form or in JSON"),
    };
    shared.ledger().skip(Duration::from_secs(seconds));
    back_to_the_phone().finish()
}

/// 303: the page is asked for anew, so that reloading it repeats nothing.
fn back_to_the_phone() -> HttpResponseBuilder {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, "/"));
    answer
}

fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|types| types.contains("text/html"))
}

/// `{"outcome": …, "find": …}`.
#[derive(Serialize)]
struct State<'a> {
    /// The one word that the find answer lacks: it tells an expired payment from a cancelled one.
    outcome: String,
    find: Success<Find<'a>>,
}

fn state(ledger: &mut Ledger, id: &EcommerceId, mut builder: HttpResponseBuilder) -> HttpResponse {
    answer(ledger, id, |entry, business| {
        let payment = &entry.payment;
        builder.json(State { outcome: payment.status.to_string(), find: Success::new(Find::new(payment, business)) })
    })
}

fn answer(ledger: &mut Ledger, id: &EcommerceId, draw: impl FnOnce(&Entry, &Business) -> HttpResponse) -> HttpResponse {
    let business = ledger.business().clone();
    ledger.entry(id).map_or_else(|| unknown(&id.to_string()), |entry| draw(entry, &business))
}

fn unknown(id: &str) -> HttpResponse {
    json::error(StatusCode::NOT_FOUND, &format!("the simulator has no payment {id}"))
}
