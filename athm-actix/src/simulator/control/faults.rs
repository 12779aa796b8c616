//! What goes wrong next.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{Told, back_to_the_phone, told};
use crate::simulator::shared::Shared;
use crate::simulator::{Endpoint, Fault, WebhookFault, json};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/simulator/faults", web::post().to(queue))
        .route("/simulator/webhook-faults", web::post().to(queue_webhook))
        .route("/simulator/faults/clear", web::post().to(clear));
}

#[derive(Deserialize)]
struct Queued {
    fault: String,
    /// A request of any endpoint, unless given.
    #[serde(default)]
    endpoint: String,
}

async fn queue(shared: web::Data<Shared>, body: Told<Queued>) -> HttpResponse {
    let Some(Queued { fault, endpoint }) = told(body) else {
        return json::field_error("fault", "fault, and perhaps endpoint, must be texts, in a form or in JSON");
    };
    let endpoint = match endpoint.as_str() {
        "" => None,
        name => match Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name) {
            Some(endpoint) => Some(endpoint),
            None => {
                let names = Endpoint::ALL.map(Endpoint::name).join(", ");
                return json::field_error("endpoint", &format!("endpoint must be one of {names}"));
            }
        },
    };
    match fault.parse::<Fault>() {
        Ok(fault) => shared.plan().queue(endpoint, fault),
        Err(error) => return json::field_error("fault", &error.to_string()),
    }
    back_to_the_phone().finish()
}

#[derive(Deserialize)]
struct QueuedWebhook {
    fault: String,
}

async fn queue_webhook(shared: web::Data<Shared>, body: Told<QueuedWebhook>) -> HttpResponse {
    let Some(QueuedWebhook { fault }) = told(body) else {
        return json::field_error("fault", "fault must be a text, in a form or in JSON");
    };
    match fault.parse::<WebhookFault>() {
        Ok(fault) => shared.webhooks().queue(fault),
        Err(error) => return json::field_error("fault", &error.to_string()),
    }
    back_to_the_phone().finish()
}

async fn clear(shared: web::Data<Shared>) -> HttpResponse {
    shared.plan().clear();
    shared.webhooks().clear();
    back_to_the_phone().finish()
}
