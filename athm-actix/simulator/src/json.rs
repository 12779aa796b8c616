//! Error answers of the simulator's own endpoints.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;

/// `{"error": "…"}`.
pub(crate) fn error(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": message }))
}

/// `{"error": "…", "field": "…"}`.
pub(crate) fn field_error(field: &str, message: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "error": message, "field": field }))
}
