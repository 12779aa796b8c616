//! Advances the clock.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{FormOrJson, into_inner, redirect_to_page};
use crate::json;
use crate::shared::Shared;

#[derive(Deserialize)]
pub(super) struct Advance {
    seconds: u64,
}

pub(super) async fn advance(shared: web::Data<Shared>, body: FormOrJson<Advance>) -> HttpResponse {
    let Some(Advance { seconds }) = into_inner(body) else {
        return json::field_error("seconds", "seconds must be a whole number, in a form or in JSON");
    };
    shared.ledger().skip(Duration::from_secs(seconds));
    redirect_to_page().finish()
}
