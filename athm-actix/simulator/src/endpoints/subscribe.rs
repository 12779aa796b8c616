//! The merchant says where to tell of what happens.

use actix_web::{HttpResponse, ResponseError, web};

use super::Refusal;
use super::tokens::with_both_tokens_of_old;
use crate::answers::Success;
use crate::call::Call;
use crate::fields::Fields;
use crate::shared::Shared;
use crate::webhooks::{Event, Subscription};
use crate::{Effect, SimulatorError};

/// What it answers is documented nowhere.
pub(super) async fn subscribe(shared: web::Data<Shared>, call: Call, body: web::Bytes) -> HttpResponse {
    let fields = match with_both_tokens_of_old(&shared, &body) {
        Ok(fields) => fields,
        Err(refusal) => return refusal.error_response(),
    };
    match subscription(&fields) {
        Ok(subscription) => {
            if call.effect != Effect::Absent {
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
