//! The controls beside the phone: forms for money and faults, and the logs of webhooks and requests.

use athm_core::ids::EcommerceId;
use maud::{Markup, html};

use crate::faults::{Endpoint, Fault, Outage, View, WebhookFault};
use crate::request_log::ReceivedRequest;
use crate::shared::Shared;
use crate::webhooks::SentWebhook;

/// How many entries of each log are shown.
const LINES: usize = 30;
/// The forms. The page's script doesn't refresh them, so that typing isn't overwritten.
pub(super) fn controls() -> Markup {
    html! {
        section aria-labelledby="received" {
            h2 #received { "Money without a checkout" }
            form.row method="post" action="/simulator/received" {
                label { "Amount " input name="total" value="5.00" inputmode="decimal" size="6" required; }
                label { "OutgoingWebhook " input name="message" maxlength="50" size="14"; }
                button #app-payment name="kind" value="payment" { "App payment" }
                button #donation name="kind" value="donation" { "Donation" }
            }
        }
        section aria-labelledby="faults" {
            h2 #faults { "Faults" }
            form.row method="post" action="/simulator/faults" {
                label {
                    "The next "
                    select name="endpoint" {
                        option value="" { "request" }
                        @for endpoint in Endpoint::ALL { option value=(endpoint.name()) { (words(endpoint)) } }
                    }
                }
                select name="fault" aria-label="fault" {
                    @for (text, description) in Fault::EXAMPLES { option value=(text) { (description) } }
                }
                button #queue-fault { "Inject" }
            }
            form.row method="post" action="/simulator/webhook-faults" {
                label {
                    "The next webhook "
                    select name="fault" {
                        @for (text, description) in WebhookFault::EXAMPLES { option value=(text) { (description) } }
                    }
                }
                button #queue-webhook-fault { "Inject" }
            }
            form.row method="post" action="/simulator/outage" {
                label {
                    "Every request fails: "
                    select name="outage" {
                        option value="" { "no" }
                        @for outage in Outage::ALL { option value=(outage) { (outage) } }
                    }
                }
                button #set-outage { "Set" }
            }
            form.row method="post" action="/simulator/lag" {
                label { "Find lags by " input name="find" value="0" inputmode="numeric" size="4" required; " s" }
                label { "search by " input name="search" value="0" inputmode="numeric" size="4" required; " s" }
                button #set-lag { "Set" }
            }
        }
    }
}

/// The rendered state, copied while the locks are held.
struct Snapshot {
    /// The lags, the outage and the queued faults.
    queue: Vec<String>,
    listener: Option<String>,
    webhooks: Vec<SentWebhook>,
    requests: Vec<ReceivedRequest>,
    revision: String,
}

impl Snapshot {
    fn of(shared: &Shared) -> Self {
        let any = |endpoint: &Option<Endpoint>| endpoint.map_or_else(|| String::from("any request"), words);
        let mut queue = lags(shared);
        {
            let schedule = shared.schedule();
            queue.extend(schedule.outage.map(|outage| format!("every request: {outage}")));
            queue.extend(schedule.queued().map(|(endpoint, fault)| format!("{}: {fault}", any(endpoint))));
        }
        let (listener, webhooks, sent) = {
            let webhooks = shared.webhooks();
            queue.extend(webhooks.queued().map(|fault| format!("webhook: {fault}")));
            // Without the path, which may contain a secret.
            let listener = webhooks.listener().map(|url| url.origin().ascii_serialization());
            let newest = webhooks.log().iter().rev().take(LINES).cloned().collect::<Vec<_>>();
            (listener, newest, webhooks.log().len())
        };
        let log = shared.log();
        let is_api = |request: &&ReceivedRequest| Endpoint::of(&request.path).is_some();
        let requests: Vec<_> = log.newest().filter(is_api).take(LINES).cloned().collect();
        let received = log.newest().filter(is_api).count();
        let answers =
            webhooks.iter().map(|webhook| webhook.status).chain(requests.iter().map(|request| request.status));
        let answered = answers.filter(Option::is_some).count();
        let revision = format!("{received} {sent} {answered} {} {}", queue.join(", "), listener.is_some());
        Self { queue, listener, webhooks, requests, revision }
    }
}

fn lags(shared: &Shared) -> Vec<String> {
    let ledger = shared.ledger();
    let lags = [View::Find, View::Search].map(|view| (view, ledger.lag(view)));
    lags.iter()
        .filter(|(_, lag)| !lag.is_zero())
        .map(|(view, lag)| format!("{view} lags by {} s", lag.as_secs()))
        .collect()
}

/// What goes wrong at present, and the logs of webhooks and requests.
pub(super) fn log(shared: &Shared) -> Markup {
    let Snapshot { queue, listener, webhooks, requests, revision } = Snapshot::of(shared);
    html! {
        div #log data-revision=(revision) {
            @if !queue.is_empty() {
                form.row method="post" action="/simulator/faults/clear" {
                    ul.queue { @for fault in &queue { li { (fault) } } }
                    button #clear-faults { "Clear" }
                }
            }
            section aria-labelledby="webhooks" {
                h2 #webhooks { "Webhooks" }
                @if let Some(listener) = &listener {
                    form.row method="post" action="/simulator/test-webhook" {
                        p { "Sent to " (listener) "." }
                        button #test-webhook { "Send a test event" }
                    }
                } @else {
                    p { "No listener is subscribed." }
                }
                @if !webhooks.is_empty() { ol.log { @for webhook in &webhooks { (webhook_line(webhook)) } } }
            }
            section aria-labelledby="requests" {
                h2 #requests { "Requests" }
                @if requests.is_empty() { p { "No requests yet." } }
                @else { ol.log { @for request in &requests { (request_line(request)) } } }
            }
        }
    }
}

fn webhook_line(webhook: &SentWebhook) -> Markup {
    html! {
        li {
            span { (webhook.kind) " " (webhook.state) }
            @if let Some(fault) = webhook.fault { span.fault { (fault) } }
            (status(webhook.status))
        }
    }
}

fn request_line(request: &ReceivedRequest) -> Markup {
    html! {
        li title={ (request.method) " " (request.path) } {
            span {
                (Endpoint::of(&request.path).map_or_else(|| request.path.clone(), words))
                @if let Some(amount) = request.amount { " $" (amount) }
                @if let Some(payment) = request.payment { " " small { "…" (last_group(payment)) } }
            }
            @if let Some(fault) = &request.fault { span.fault { (fault) } }
            (status(request.status))
        }
    }
}

/// The last digits of an id, by which a person tells payments apart.
fn last_group(id: EcommerceId) -> String {
    id.to_string().split('-').next_back().unwrap_or_default().to_owned()
}

fn words(endpoint: Endpoint) -> String {
    endpoint.name().replace('_', " ")
}

fn status(status: Option<u16>) -> Markup {
    match status {
        Some(status @ 400..) => html! { span.answer.bad { (status) } },
        Some(status) => html! { span.answer { (status) } },
        None => html! { span.answer.bad title="no answer (yet)" { "–" } },
    }
}
