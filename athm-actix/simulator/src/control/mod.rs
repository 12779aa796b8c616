//! The simulator's own endpoints, for its pages and for tests in other languages.

mod endpoint;
mod faults;
mod payments;
mod received;
mod time;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, LOCATION};
use actix_web::{Either, HttpRequest, HttpResponse, HttpResponseBuilder, Route, web};

use crate::json;

/// A form, or the same as JSON.
type FormOrJson<T> = Option<Either<web::Form<T>, web::Json<T>>>;

pub use self::endpoint::ControlEndpoint;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    for endpoint in ControlEndpoint::ALL {
        config.route(endpoint.path(), route(endpoint));
    }
}

/// Each endpoint of the list has its handler here: none can be served without being listed.
fn route(endpoint: ControlEndpoint) -> Route {
    let method = if endpoint.method() == "GET" { web::get() } else { web::post() };
    match endpoint {
        ControlEndpoint::InsertPayment => method.to(payments::insert),
        ControlEndpoint::ShowPayment => method.to(payments::show),
        ControlEndpoint::ApprovePayment => method.to(payments::approve),
        ControlEndpoint::DeclinePayment => method.to(payments::decline),
        ControlEndpoint::RefundPayment => method.to(payments::refund),
        ControlEndpoint::ReceivePayment => method.to(received::receive),
        ControlEndpoint::SendTestWebhook => method.to(received::test_webhook),
        ControlEndpoint::QueueFault => method.to(faults::queue),
        ControlEndpoint::QueueWebhookFault => method.to(faults::queue_webhook),
        ControlEndpoint::SetOutage => method.to(faults::set_outage),
        ControlEndpoint::SetLag => method.to(faults::set_lag),
        ControlEndpoint::ClearFaults => method.to(faults::clear),
        ControlEndpoint::AdvanceTime => method.to(time::advance),
    }
}

pub(super) async fn not_found(request: HttpRequest) -> HttpResponse {
    let what = format!("the simulator has no {} {}", request.method(), request.path());
    json::error(StatusCode::NOT_FOUND, &what)
}

fn into_inner<T>(body: FormOrJson<T>) -> Option<T> {
    Some(match body? {
        Either::Left(form) => form.into_inner(),
        Either::Right(json) => json.into_inner(),
    })
}

/// 303 to the page, so that reloading it repeats no request.
fn redirect_to_page() -> HttpResponseBuilder {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, "/"));
    answer
}

fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|types| types.contains("text/html"))
}
