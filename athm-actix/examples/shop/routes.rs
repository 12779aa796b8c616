//! The shop's own routes, beside those of athm.

use std::fmt::Display;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use athm_actix::Error;
use athm_actix::errors::OperationError;
use maud::Markup;
use serde::Deserialize;
use serde_json::json;

use crate::orders::{Order, PRODUCTS};
use crate::origin::same_origin;
use crate::pages;
use crate::shop::Shop;

pub(crate) fn configure(config: &mut web::ServiceConfig, shop: &Shop) {
    let routes = web::scope("")
        .wrap(from_fn(same_origin))
        .app_data(web::Data::new(shop.clone()))
        .route("/", web::get().to(counter))
        .route("/orders", web::post().to(place_order))
        .route("/orders.json", web::get().to(orders_json))
        .route("/receivers.json", web::get().to(receivers_json))
        .route("/orders/{id}", web::get().to(order))
        .route("/orders/{id}/refund", web::post().to(refund))
        .route("/orders/{id}/refund-surplus", web::post().to(refund_surplus))
        .route("/script.js", web::get().to(async || file("text/javascript", include_str!("script.js"))))
        .route("/style.css", web::get().to(async || file("text/css", include_str!("style.css"))))
        .default_service(web::to(async || not_found()));
    config.service(routes);
}

async fn counter(shop: web::Data<Shop>) -> Result<HttpResponse, Error> {
    let orders = shop.recent_orders(10).await?;
    Ok(page(StatusCode::OK, &pages::counter(&orders, &shop.runs.newest_first(), &shop.api_url)))
}

#[derive(Deserialize)]
struct Choice {
    product: usize,
}

async fn place_order(shop: web::Data<Shop>, choice: web::Form<Choice>) -> HttpResponse {
    let Some(product) = PRODUCTS.get(choice.product) else {
        return page(StatusCode::BAD_REQUEST, &pages::problem("There is no such product."));
    };
    match shop.sell(product).await {
        Ok(order) => see_order(&order.id),
        Err(error) => failed("The order can't be taken now. Nothing was charged.", &error),
    }
}

async fn order(shop: web::Data<Shop>, id: web::Path<String>) -> Result<HttpResponse, Error> {
    let Some(order) = shop.orders.find(&id) else { return Ok(not_found()) };
    Ok(page(StatusCode::OK, &pages::order(&shop.shown(order).await?, &shop.api_url)))
}

/// All of the order's money back. A real shop asks first who presses the button.
async fn refund(shop: web::Data<Shop>, id: web::Path<String>) -> HttpResponse {
    let Some(order) = shop.orders.find(&id) else { return not_found() };
    given_back(&order, shop.give_back(&order).await)
}

/// The money back that came in with the order's number and didn't pay it.
async fn refund_surplus(shop: web::Data<Shop>, id: web::Path<String>) -> HttpResponse {
    let Some(order) = shop.orders.find(&id) else { return not_found() };
    given_back(&order, shop.give_surplus_back(&order).await)
}

fn given_back(order: &Order, result: Result<(), OperationError>) -> HttpResponse {
    match result {
        Ok(()) => see_order(&order.id),
        Err(
            error @ (OperationError::RefundUnknown { .. }
            | OperationError::RefundPending { .. }
            | OperationError::Closed),
        ) => failed("ATH Móvil hasn’t confirmed the refund yet. The shop keeps checking.", &error),
        Err(error) => failed("The money can’t be given back now. Try again in a moment.", &error),
    }
}

async fn orders_json(shop: web::Data<Shop>) -> Result<HttpResponse, Error> {
    let orders = shop.recent_orders(100).await?;
    let orders = orders.iter().map(|order| json!({ "id": order.id, "state": order.state, "total": order.total }));
    Ok(HttpResponse::Ok().json(orders.collect::<Vec<_>>()))
}

async fn receivers_json(shop: web::Data<Shop>) -> HttpResponse {
    HttpResponse::Ok().json(shop.runs.newest_first())
}

/// 303: a reload of the page that follows repeats nothing.
fn see_order(id: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, format!("/orders/{id}"))).finish()
}

fn not_found() -> HttpResponse {
    page(StatusCode::NOT_FOUND, &pages::problem("There is nothing here."))
}

fn failed(what: &str, error: &impl Display) -> HttpResponse {
    tracing::error!(%error, what);
    page(StatusCode::SERVICE_UNAVAILABLE, &pages::problem(what))
}

fn page(status: StatusCode, page: &Markup) -> HttpResponse {
    // All comes from the shop itself: of the checkout's component, too. Scripts are never written into a page.
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    HttpResponse::build(status)
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .body(page.0.clone())
}

fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(format!("{kind}; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(text)
}
