//! The provider's API: one file per endpoint, each on the provider's own path.

mod authorization;
mod cancel;
mod create;
mod find;
mod refund;
mod report;
mod search;
mod subscribe;
mod tokens;
mod update_phone;

use actix_web::middleware::from_fn;
use actix_web::web;
use athm_core::ids::EcommerceId;

use crate::fields::Fields;
use crate::middleware;
use crate::refusal::Refusal;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::scope("/api/business-transaction/ecommerce")
                .wrap(from_fn(middleware::inject_faults))
                .route("/payment", web::post().to(create::create))
                .route("/authorization", web::post().to(authorization::authorize))
                .route("/refund", web::post().to(refund::refund))
                .route("/business/findPayment", web::post().to(find::find))
                .route("/business/updatePhoneNumber", web::put().to(update_phone::update_phone))
                .route("/business/cancel", web::post().to(cancel::cancel)),
        )
        .service(
            web::scope("/api/v4")
                .wrap(from_fn(middleware::inject_faults))
                .route("/searchTransaction", web::post().to(search::search)),
        )
        .service(
            web::scope("/transactions")
                .wrap(from_fn(middleware::inject_faults))
                .route("/v4/transactionReport", web::get().to(report::report))
                .route("/webhook/post", web::post().to(subscribe::subscribe)),
        );
}

/// The object in a body.
fn object(body: &[u8]) -> Result<Fields, Refusal> {
    Fields::parse(body).ok_or_else(|| Refusal::format("the body must be a JSON object"))
}

/// The `ecommerceId` of a body. One that is no UUID names no payment.
fn ecommerce_id(fields: &Fields) -> Result<EcommerceId, Refusal> {
    let text = fields.text(&["ecommerceId"])?.ok_or_else(|| Refusal::blank("ecommerceId"))?;
    text.parse().map_err(|_| Refusal::unknown_payment())
}
