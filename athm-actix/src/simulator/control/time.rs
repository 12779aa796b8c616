//! Time travel.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{Told, back_to_the_phone, told};
use crate::simulator::json;
use crate::simulator::shared::Shared;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/simulator/time", web::post().to(skip));
}

#[derive(Deserialize)]
struct Skip {
    seconds: u64,
}

async fn skip(shared: web::Data<Shared>, body: Told<Skip>) -> HttpResponse {
    let Some(Skip { seconds }) = told(body) else {
        return json::field_error("seconds", "seconds must be a whole number, in a form or in JSON");
    };
    shared.ledger().skip(Duration::from_secs(seconds));
    back_to_the_phone().finish()
}
