//! The shop's own routes, beside those of athm.

use std::fmt::Display;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use athm_actix::errors::OperationError;
use athm_actix::{Error, NewRefund, Transaction};
use maud::Markup;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::orders::PRODUCTS;
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
        .route("/orders/{id}/authorize", web::post().to(authorize))
        .route("/orders/{id}/check", web::post().to(check))
        .route("/orders/{id}/refund", web::post().to(refund))
        .route("/script.js", web::get().to(async || file("text/javascript", include_str!("script.js"))))
        .route("/style.css", web::get().to(async || file("text/css", include_str!("style.css"))))
        .default_service(web::to(async |shop: web::Data<Shop>| not_found(&shop)));
    config.service(routes);
}

async fn counter(shop: web::Data<Shop>) -> Result<HttpResponse, Error> {
    let orders = shop.recent_orders(10).await?;
    Ok(page(&shop, StatusCode::OK, &pages::counter(&orders, &shop.runs.newest_first(), &shop.api_url)))
}

#[derive(Deserialize)]
struct Choice {
    product: usize,
}

async fn place_order(shop: web::Data<Shop>, choice: web::Form<Choice>) -> HttpResponse {
    let Some(product) = PRODUCTS.get(choice.product) else {
        return page(&shop, StatusCode::BAD_REQUEST, &pages::problem("There is no such product."));
    };
    match shop.sell(product).await {
        Ok(order) => see_order(&order.id),
        Err(error) => failed(&shop, "The payment can't be opened now. Nothing was charged.", &error),
    }
}

async fn order(shop: web::Data<Shop>, id: web::Path<String>) -> Result<HttpResponse, Error> {
    let Some(order) = shop.orders.find(&id) else { return Ok(not_found(&shop)) };
    let (order, payment) = shop.shown(order).await?;
    Ok(page(&shop, StatusCode::OK, &pages::order(&order, payment.as_ref(), &shop.api_url)))
}

/// The customer has approved, says the page, and the provider is asked for the money: it knows better than the page.
/// The answer is what the page posts to athm's callback. The receivers that it brings make the order paid, not this.
async fn authorize(shop: web::Data<Shop>, id: web::Path<String>) -> Result<HttpResponse, Error> {
    let Some(order) = shop.orders.find(&id) else { return Ok(not_found(&shop)) };
    let transaction = shop.athm.authorize(order.payment).await?;
    Ok(HttpResponse::Ok().json(envelope(&transaction)))
}

async fn check(shop: web::Data<Shop>, id: web::Path<String>) -> HttpResponse {
    let Some(order) = shop.orders.find(&id) else { return not_found(&shop) };
    match shop.check(&order).await {
        Ok(()) => see_order(&order.id),
        Err(error) => failed(&shop, "ATH Móvil doesn't answer now. Try again in a moment.", &error),
    }
}

/// All of the money back. A real shop asks first who presses the button; athm takes care that it can't be pressed twice.
async fn refund(shop: web::Data<Shop>, id: web::Path<String>) -> HttpResponse {
    let Some(order) = shop.orders.find(&id) else { return not_found(&shop) };
    match shop.athm.refund(order.payment, NewRefund::full()).await {
        Ok(_) | Err(OperationError::NotPaid { .. } | OperationError::RefundTooMuch { .. }) => see_order(&order.id),
        Err(
            error @ (OperationError::RefundUnknown { .. }
            | OperationError::RefundPending { .. }
            | OperationError::Closed),
        ) => failed(&shop, "ATH Móvil hasn’t confirmed the refund yet. The shop keeps checking.", &error),
        Err(error) => failed(&shop, "The money can’t be given back now. Try again in a moment.", &error),
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

/// The provider's own shape of an authorization's answer.
fn envelope(transaction: &Transaction) -> Value {
    json!({ "status": "success", "data": {
        "ecommerceStatus": transaction.status().to_string().to_uppercase(),
        "ecommerceId": transaction.ecommerce_id(),
        "referenceNumber": transaction.reference_number(),
        "total": transaction.total(),
        "metadata1": transaction.metadata_1(),
        "metadata2": transaction.metadata_2(),
    }})
}

/// 303: a reload of the page that follows repeats nothing.
fn see_order(id: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, format!("/orders/{id}"))).finish()
}

fn not_found(shop: &Shop) -> HttpResponse {
    page(shop, StatusCode::NOT_FOUND, &pages::problem("There is nothing here."))
}

fn failed(shop: &Shop, what: &str, error: &impl Display) -> HttpResponse {
    tracing::error!(%error, what);
    page(shop, StatusCode::SERVICE_UNAVAILABLE, &pages::problem(what))
}

fn page(shop: &Shop, status: StatusCode, page: &Markup) -> HttpResponse {
    // Scripts come from the shop and the provider, and are never written into a page.
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self' {provider}; connect-src 'self' {provider}; \
         img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        provider = shop.api_url
    );
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
