//! The controls beside the phone: forms for money and faults, and the logs of webhooks and requests.

use maud::{Markup, html};

use crate::shared::Shared;
use crate::{Endpoint, ReceivedRequest, SentWebhook};

/// How many entries of each log are shown.
const LINES: usize = 30;
/// The faults in the form; the control endpoint accepts all.
const FAULTS: [(&str, &str); 16] = [
    ("reject=BTRA_9998", "is refused with BTRA_9998"),
    ("timeout", "times out before its effect"),
    ("timeout-after", "times out after its effect"),
    ("timeout-late=5s", "times out, its effect is seen 5 s later"),
    ("slow=3s", "is answered after 3 s"),
    ("error", "fails with HTTP 500, without effect"),
    ("error-after", "fails with HTTP 500, after its effect"),
    ("error-late=5s", "fails with HTTP 500, its effect is seen 5 s later"),
    ("bad-gateway", "fails with an HTML page, without effect"),
    ("bad-gateway-after", "fails with an HTML page, after its effect"),
    ("garbage", "is answered with garbage, without effect"),
    ("garbage-after", "is answered with garbage, after its effect"),
    ("truncated", "is cut off half-way"),
    ("truncated-late=5s", "is cut off half-way, its effect is seen 5 s later"),
    ("stale=5s", "succeeds, its effect is seen 5 s later"),
    ("bom", "is answered after a byte order mark"),
];
const WEBHOOK_FAULTS: [(&str, &str); 5] = [
    ("lost", "is lost"),
    ("doubled", "is sent twice"),
    ("delayed=5s", "is sent after 5 s"),
    ("reordered", "is sent after the next one"),
    ("forged", "is sent after a forged one"),
];

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
                    @for (word, says) in FAULTS { option value=(word) { (says) } }
                }
                button #queue-fault { "Inject" }
            }
            form.row method="post" action="/simulator/webhook-faults" {
                label {
                    "The next webhook "
                    select name="fault" { @for (word, says) in WEBHOOK_FAULTS { option value=(word) { (says) } } }
                }
                button #queue-webhook-fault { "Inject" }
            }
        }
    }
}

/// The rendered state, copied while the locks are held.
struct Snapshot {
    queue: Vec<String>,
    listener: Option<String>,
    webhooks: Vec<SentWebhook>,
    requests: Vec<ReceivedRequest>,
    revision: String,
}

impl Snapshot {
    fn of(shared: &Shared) -> Self {
        let any = |endpoint: &Option<Endpoint>| endpoint.map_or_else(|| String::from("any request"), words);
        let mut queue: Vec<String> =
            shared.schedule().queued().map(|(endpoint, fault)| format!("{}: {fault}", any(endpoint))).collect();
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
        let revision = format!("{received} {sent} {answered} {} {}", queue.len(), listener.is_some());
        Self { queue, listener, webhooks, requests, revision }
    }
}

/// The queued faults, and the logs of webhooks and requests.
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
                @if let Some(payment) = request.payment { " " small { "…" (payment.to_string().split('-').next_back().unwrap_or_default()) } }
            }
            @if let Some(fault) = &request.fault { span.fault { (fault) } }
            (status(request.status))
        }
    }
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
