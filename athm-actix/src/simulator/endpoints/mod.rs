//! The provider's API: one file an endpoint, each on the path that it has at the provider.

mod authorization;
mod cancel;
mod create;
mod find;
mod refusal;
mod search;

use actix_web::middleware::from_fn;
use actix_web::web;
use athm_core::EcommerceId;

pub(super) use self::refusal::Refusal;
use super::fields::Fields;
use super::outage::outage;
use super::shared::Shared;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::scope("/api/business-transaction/ecommerce")
                .wrap(from_fn(outage))
                .route("/payment", web::post().to(create::create))
                .route("/authorization", web::post().to(authorization::authorize))
                .route("/business/findPayment", web::post().to(find::find))
                .route("/business/cancel", web::post().to(cancel::cancel)),
        )
        .service(
            web::scope("/api/v4").wrap(from_fn(outage)).route("/searchTransaction", web::post().to(search::search)),
        );
}

/// The object in the body, once its public token is accepted.
fn body(shared: &Shared, body: &[u8]) -> Result<Fields, Refusal> {
    let fields = Fields::parse(body).ok_or_else(|| Refusal::format("the body must be a JSON object"))?;
    let token = fields.text(&["publicToken"])?;
    if accepts(shared.settings().public_token.as_deref(), token.as_deref()) {
        Ok(fields)
    } else {
        Err(Refusal::token())
    }
}

/// Whether a token is the expected one, or any at all if none is.
fn accepts(expected: Option<&str>, token: Option<&str>) -> bool {
    token.is_some() && (expected.is_none() || expected == token)
}

/// The `ecommerceId` of a body. One that is no UUID names no payment.
fn ecommerce_id(fields: &Fields) -> Result<EcommerceId, Refusal> {
    let text = fields.text(&["ecommerceId"])?.ok_or_else(|| Refusal::blank("ecommerceId"))?;
    text.parse().map_err(|_| Refusal::unknown_payment())
}
