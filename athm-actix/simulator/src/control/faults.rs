//! Queues faults, and sets the outage and the lags.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{FormOrJson, into_inner, redirect_to_page};
use crate::faults::{Endpoint, Fault, Outage, View, WebhookFault};
use crate::json;
use crate::shared::Shared;

#[derive(Deserialize)]
pub(super) struct Queued {
    fault: String,
    /// Empty for any endpoint.
    #[serde(default)]
    endpoint: String,
}

pub(super) async fn queue(shared: web::Data<Shared>, body: FormOrJson<Queued>) -> HttpResponse {
    let Some(Queued { fault, endpoint }) = into_inner(body) else {
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
        Ok(fault) => shared.schedule().queue(endpoint, fault),
        Err(error) => return json::field_error("fault", &error.to_string()),
    }
    redirect_to_page().finish()
}

#[derive(Deserialize)]
pub(super) struct QueuedWebhook {
    fault: String,
}

pub(super) async fn queue_webhook(shared: web::Data<Shared>, body: FormOrJson<QueuedWebhook>) -> HttpResponse {
    let Some(QueuedWebhook { fault }) = into_inner(body) else {
        return json::field_error("fault", "fault must be a text, in a form or in JSON");
    };
    match fault.parse::<WebhookFault>() {
        Ok(fault) => shared.webhooks().queue(fault),
        Err(error) => return json::field_error("fault", &error.to_string()),
    }
    redirect_to_page().finish()
}

#[derive(Deserialize)]
pub(super) struct SetOutage {
    /// Empty for none.
    outage: String,
}

pub(super) async fn set_outage(shared: web::Data<Shared>, body: FormOrJson<SetOutage>) -> HttpResponse {
    let Some(SetOutage { outage }) = into_inner(body) else {
        return json::field_error("outage", "outage must be a text, in a form or in JSON");
    };
    let outage = match outage.trim() {
        "" => None,
        text => match text.parse::<Outage>() {
            Ok(outage) => Some(outage),
            Err(error) => return json::field_error("outage", &error.to_string()),
        },
    };
    shared.schedule().outage = outage;
    redirect_to_page().finish()
}

#[derive(Deserialize)]
pub(super) struct SetLag {
    /// Seconds; unchanged if absent.
    find: Option<u64>,
    search: Option<u64>,
}

pub(super) async fn set_lag(shared: web::Data<Shared>, body: FormOrJson<SetLag>) -> HttpResponse {
    let Some(SetLag { find, search }) = into_inner(body) else {
        return json::field_error("find", "find and search must be whole numbers of seconds, in a form or in JSON");
    };
    let mut ledger = shared.ledger();
    for (view, seconds) in [(View::Find, find), (View::Search, search)] {
        if let Some(seconds) = seconds {
            ledger.set_lag(view, Duration::from_secs(seconds));
        }
    }
    redirect_to_page().finish()
}

pub(super) async fn clear(shared: web::Data<Shared>) -> HttpResponse {
    {
        let mut ledger = shared.ledger();
        ledger.set_lag(View::Find, Duration::ZERO);
        ledger.set_lag(View::Search, Duration::ZERO);
    }
    shared.schedule().clear();
    shared.webhooks().clear();
    redirect_to_page().finish()
}
