//! The simulator's own endpoints: for its pages, and for tests in other languages.

mod faults;
mod payments;
mod received;
mod time;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, LOCATION};
use actix_web::{Either, HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::json;

/// A form, or the same as JSON.
type Told<T> = Option<Either<web::Form<T>, web::Json<T>>>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    payments::configure(config);
    received::configure(config);
    faults::configure(config);
    time::configure(config);
}

pub(super) async fn not_found(request: HttpRequest) -> HttpResponse {
    let what = format!("the simulator has no {} {}", request.method(), request.path());
    json::error(StatusCode::NOT_FOUND, &what)
}

fn told<T>(body: Told<T>) -> Option<T> {
    Some(match body? {
        Either::Left(form) => form.into_inner(),
        Either::Right(json) => json.into_inner(),
    })
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
