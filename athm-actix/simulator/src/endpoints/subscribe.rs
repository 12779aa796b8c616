//! Subscribes a webhook listener.

use actix_web::{HttpResponse, ResponseError, web};

use super::tokens::with_both_tokens_legacy;
use crate::answers::Success;
use crate::error::SimulatorError;
use crate::faults::Effect;
use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::webhooks::{Event, Subscription};

/// The provider doesn't document the answer; this one is invented.
pub(super) async fn subscribe(shared: web::Data<Shared>, request: ApiRequest, body: web::Bytes) -> HttpResponse {
    let fields = match with_both_tokens_legacy(&shared, &body) {
        Ok(fields) => fields,
        Err(refusal) => return refusal.error_response(),
    };
    match subscription(&fields) {
        Ok(subscription) => {
            if request.effect() != Effect::Absent {
                shared.webhooks().subscribe(subscription);
            }
            HttpResponse::Ok().json(Success::new("The webhook is subscribed."))
        }
        Err(refusal) => refusal.answer(),
    }
}

fn subscription(fields: &Fields) -> Result<Subscription, Refusal> {
    let url = fields.text(&["listenerURL"])?.ok_or_else(|| Refusal::blank("listenerURL"))?;
    let mut events = Vec::new();
    for event in Event::SUBSCRIBABLE {
        if fields.flag(event.field())?.unwrap_or_default() {
            events.push(event);
        }
    }
    Subscription::new(&url, events).map_err(|error: SimulatorError| Refusal::format(error))
}
