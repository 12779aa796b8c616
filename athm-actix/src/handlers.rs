//! The default handlers.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use athm_core::{Athm, Sender};
use serde_json::json;

use crate::arrived;
use crate::callback::Callback;
use crate::error::Error;

/// The customer's browser posts the result of the checkout.
pub(crate) async fn callback(
    callback: Callback,
    athm: web::Data<Athm>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    receive(callback, &athm, &request, Sender::CALLBACK).await
}

/// The provider's server posts an event.
pub(crate) async fn webhook(
    callback: Callback,
    athm: web::Data<Athm>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    receive(callback, &athm, &request, Sender::WEBHOOK).await
}

/// Whether payments can be recorded. The answer contains no configuration, because any client may ask.
pub(crate) async fn health(athm: web::Data<Athm>) -> HttpResponse {
    match athm.ping().await {
        Ok(()) => HttpResponse::Ok().json(json!({ "status": "ok" })),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the database doesn't answer");
            HttpResponse::ServiceUnavailable().json(json!({ "status": "unavailable" }))
        }
    }
}

async fn receive(
    callback: Callback,
    athm: &Athm,
    request: &HttpRequest,
    sender: Sender,
) -> Result<HttpResponse, Error> {
    let (message, body) = callback.into_parts();
    let result = athm.receive(message, sender, arrived::envelope(request, Some(body))).await?;
    request.extensions_mut().insert(arrived::Received);
    let status = StatusCode::from_u16(result.http_status()).unwrap_or_default();
    Ok(HttpResponse::build(status).json(json!({ "result": result.as_str() })))
}
