//! What happens behind the phone: what the business is told, what was asked, and what goes wrong next.

use maud::{Markup, html};

use crate::shared::Shared;
use crate::{Endpoint, ReceivedRequest, SentWebhook};

/// How many lines of each log are shown.
const LINES: usize = 30;
/// Faults to choose from; the endpoint takes others, too.
const FAULTS: [(&str, &str); 16] = [
    ("reject=BTRA_9998", "is refused with BTRA_9998"),
    ("timeout", "times out before its effect"),
    ("timeout-after", "times out after its effect"),
    ("timeout-late=5s", "times out, its effect is seen 5 s later"),
    ("slow=3s", "is answered 3 s late"),
    ("error", "fails with HTTP 500, without effect"),
    ("error-after", "fails with HTTP 500, after its effect"),
    ("error-late=5s", "fails with HTTP 500, its effect is seen 5 s later"),
    ("bad-gateway", "meets an HTML page, without effect"),
    ("bad-gateway-after", "meets an HTML page, after its effect"),
    ("garbage", "is answered with garbage, without effect"),
    ("garbage-after", "is answered with garbage, after its effect"),
    ("truncated", "is answered by half"),
    ("truncated-late=5s", "is answered by half, its effect is seen 5 s later"),
    ("stale=5s", "succeeds, and is seen 5 s later"),
    ("bom", "is answered behind a byte order mark"),
];
const WEBHOOK_FAULTS: [(&str, &str); 5] = [
    ("lost", "is lost"),
    ("doubled", "comes twice"),
    ("delayed=5s", "comes 5 s late"),
    ("reordered", "comes after the one that follows"),
    ("forged", "comes behind a forged one"),
];

/// The forms. They are drawn once, so that nobody's typing is overwritten.
pub(super) fn controls() -> Markup {
    html! {
        section aria-labelledby="received" {
            h2 #received { "Money without a checkout" }
            form.row method="post" action="/simulator/received" {
                label { "Amount " input name="total" value="5.00" inputmode="decimal" size="6" required; }
                label { "Message " input name="message" maxlength="50" size="14"; }
                button #app-payment name="kind" value="payment" { "App payment" }
                button #donation name="kind" value="donation" { "Donation" }
            }
        }
        section aria-labelledby="trouble" {
            h2 #trouble { "Trouble" }
            form.row method="post" action="/simulator/faults" {
                label {
                    "The next "
                    select name="endpoint" {
                        option value="" { "request" }
                        @for endpoint in Endpoint::ALL { option value=(endpoint.name()) { (words(endpoint)) } }
                    }
                }
                select name="fault" aria-label="what happens to it" {
                    @for (word, says) in FAULTS { option value=(word) { (says) } }
                }
                button #queue-fault { "Let it" }
            }
            form.row method="post" action="/simulator/webhook-faults" {
                label {
                    "The next webhook "
                    select name="fault" { @for (word, says) in WEBHOOK_FAULTS { option value=(word) { (says) } } }
                }
                button #queue-webhook-fault { "Let it" }
            }
        }
    }
}

/// What the log shows, taken while the locks are held.
struct Shown {
    queue: Vec<String>,
    listener: Option<String>,
    webhooks: Vec<SentWebhook>,
    requests: Vec<ReceivedRequest>,
    revision: String,
}

impl Shown {
    fn of(shared: &Shared) -> Self {
        let any = |endpoint: &Option<Endpoint>| endpoint.map_or_else(|| String::from("any request"), words);
        let mut queue: Vec<String> =
            shared.plan().queued().map(|(endpoint, fault)| format!("{}: {fault}", any(endpoint))).collect();
        let (listener, webhooks, told) = {
            let webhooks = shared.webhooks();
            queue.extend(webhooks.queued().map(|fault| format!("webhook: {fault}")));
            // Without its path: a secret may be in it.
            let listener = webhooks.listener().map(|url| url.origin().ascii_serialization());
            let newest = webhooks.log().iter().rev().take(LINES).cloned().collect::<Vec<_>>();
            (listener, newest, webhooks.log().len())
        };
        let log = shared.log();
        let asked = |request: &&ReceivedRequest| Endpoint::of(&request.path).is_some();
        let requests: Vec<_> = log.newest().filter(asked).take(LINES).cloned().collect();
        let asked = log.newest().filter(asked).count();
        let answers =
            webhooks.iter().map(|webhook| webhook.status).chain(requests.iter().map(|request| request.status));
        let answered = answers.filter(Option::is_some).count();
        let revision = format!("{asked} {told} {answered} {} {}", queue.len(), listener.is_some());
        Self { queue, listener, webhooks, requests, revision }
    }
}

/// What is queued, and what was asked and told.
pub(super) fn log(shared: &Shared) -> Markup {
    let Shown { queue, listener, webhooks, requests, revision } = Shown::of(shared);
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
                        p { "They are sent to " (listener) "." }
                        button #test-webhook { "Send a test event" }
                    }
                } @else {
                    p { "Nobody has subscribed yet." }
                }
                @if !webhooks.is_empty() { ol.log { @for webhook in &webhooks { (told_line(webhook)) } } }
            }
            section aria-labelledby="requests" {
                h2 #requests { "Requests" }
                @if requests.is_empty() { p { "Nothing was asked yet." } }
                @else { ol.log { @for request in &requests { (asked_line(request)) } } }
            }
        }
    }
}

fn told_line(webhook: &SentWebhook) -> Markup {
    html! {
        li {
            span { (webhook.kind) " " (webhook.state) }
            @if let Some(fault) = webhook.fault { span.fault { (fault) } }
            (status(webhook.status))
        }
    }
}

fn asked_line(request: &ReceivedRequest) -> Markup {
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
