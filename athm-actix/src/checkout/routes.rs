//! The routes of a checkout.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use athm_core::Athm;
use athm_core::checkouts::PayCheckout;

use super::answer::{Answer, RETRY_SECONDS, builder};
use super::form::{Form, find};
use super::options::{CheckoutOptions, Pages};
use super::{assets, events};

pub(crate) fn service(options: CheckoutOptions, origins: Vec<String>) -> actix_web::Scope {
    web::scope("/checkout")
        .app_data(web::Data::new(Pages::new(options, origins)))
        .route("/style.css", web::get().to(async || file("text/css", assets::STYLE)))
        .route("/script.js", web::get().to(async || file("text/javascript", assets::SCRIPT)))
        .service(web::resource("/{id}").route(web::get().to(show)))
        .service(web::resource("/{id}/events").route(web::get().to(events)))
        .service(web::resource("/{id}/pay").route(web::post().to(pay)))
        .service(web::resource("/{id}/phone").route(web::post().to(update_phone)))
        .service(web::resource("/{id}/cancel").route(web::post().to(cancel)))
}

async fn show(request: HttpRequest, athm: web::Data<Athm>, pages: web::Data<Pages>) -> HttpResponse {
    let answer = Answer::to(&request, &pages);
    match find(&request, &athm).await {
        Ok(Some(checkout)) => answer.with(StatusCode::OK, &checkout, None),
        Ok(None) => answer.not_found(),
        Err(error) => answer.unavailable(&error),
    }
}

/// The address of a checkout leads back to it as it is now.
async fn events(request: HttpRequest, athm: web::Data<Athm>, pages: web::Data<Pages>) -> HttpResponse {
    let place = match find(&request, &athm).await {
        Ok(Some(checkout)) => pages.streams.enter(checkout.id()),
        Ok(None) => return builder(StatusCode::NOT_FOUND).finish(),
        Err(_) => None,
    };
    let Some(place) = place else {
        return builder(StatusCode::SERVICE_UNAVAILABLE).insert_header((RETRY_AFTER, RETRY_SECONDS)).finish();
    };
    let changes = events::changes(athm.get_ref().clone(), place);
    // Proxies that collect an answer before they pass it on would tell nothing until the end.
    let mut answer = builder(StatusCode::OK);
    answer.content_type("text/event-stream").insert_header(("X-Accel-Buffering", "no")).streaming(Box::pin(changes))
}

async fn pay(form: Form) -> HttpResponse {
    form.answer(async |athm, checkout| {
        let mut pay = PayCheckout::new(form.phone()?).email(form.email());
        if let Some(attempts) = form.attempts() {
            pay = pay.known_attempts(attempts);
        }
        if let Some(address) = form.address() {
            pay = pay.address(address);
        }
        Ok(athm.checkouts().pay(checkout.id(), pay).await?)
    })
    .await
}

async fn update_phone(form: Form) -> HttpResponse {
    form.answer(async |athm, checkout| {
        let phone = form.phone()?;
        if form.is_stale(checkout) {
            return Ok(checkout.clone());
        }
        Ok(athm.checkouts().update_phone(checkout.id(), phone, form.address()).await?)
    })
    .await
}

async fn cancel(form: Form) -> HttpResponse {
    form.answer(async |athm, checkout| {
        if form.is_stale(checkout) {
            return Ok(checkout.clone());
        }
        Ok(athm.checkouts().cancel(checkout.id(), form.address()).await?)
    })
    .await
}

/// A file that never changes under its address.
fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    builder(StatusCode::OK)
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .content_type(format!("{kind}; charset=utf-8"))
        .body(text)
}
