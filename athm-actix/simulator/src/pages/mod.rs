//! Pages: the customer's phone with the simulator's controls, and the stand-in for the checkout script.

mod controls;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpResponse, web};
use athm_core::{Status, TransactionKind};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::clock;
use crate::ledger::{Entry, Ledger};
use crate::payment::SimulatedPayment;
use crate::shared::Shared;

/// How many final payments the phone lists.
const RECENT: usize = 10;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(phone))
        .route("/simulator/phone.js", web::get().to(async || script(include_str!("phone.js"))))
        .route("/api/modal/js/athmovil_base.js", web::get().to(async || script(include_str!("modal.js"))));
}

fn script(text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/javascript; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}

async fn phone(shared: web::Data<Shared>) -> HttpResponse {
    let page = page(&shared);
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; \
             form-action 'self'; base-uri 'none'",
        ))
        .body(page.into_string())
}

fn page(shared: &Shared) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Simulated phone" }
                // Keeps browsers from requesting an icon, which would appear in the request log.
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("style.css"))) }
                script src="/simulator/phone.js" defer {}
                noscript { meta http-equiv="refresh" content="5"; }
            }
            body {
                (screen(&mut shared.ledger()))
                aside {
                    h1 { "Simulator" }
                    p { "Webhooks and requests of the simulated provider, and faults to inject." }
                    (controls::controls())
                    (controls::log(shared))
                }
            }
        }
    }
}

fn screen(ledger: &mut Ledger) -> Markup {
    let now = ledger.now();
    // Expires payments that are due first, so that the revision below matches what is rendered.
    ledger.entries();
    let revision = ledger.revision();
    let (pending, ended): (Vec<&Entry>, Vec<&Entry>) =
        ledger.entries().iter().rev().partition(|entry| entry.payment.is_pending());

    html! {
        main #phone data-revision=(revision) {
            header {
                h1 { "Simulated phone" }
                p { "The customer's side of an ATH Móvil payment. No real money moves here." }
                p #connection role="status" {}
            }
            section aria-labelledby="pending" {
                h2 #pending { "Pending" @if !pending.is_empty() { " (" (pending.len()) ")" } }
                @if pending.is_empty() {
                    p.empty { "No pending payments. A payment that the shop opens appears here." }
                }
                @for entry in pending { (ticket(entry, now)) }
            }
            section aria-labelledby="time" {
                h2 #time { "Time" }
                p {
                    "The simulator's clock: "
                    time { (clock::local(now).strftime("%H:%M:%S").to_string()) }
                    ". Advance it to see payments expire."
                }
                form method="post" action="/simulator/time" {
                    button #skip-2 name="seconds" value="120" { "+2 min" }
                    " "
                    button #skip-10 name="seconds" value="600" { "+10 min" }
                }
            }
            @if !ended.is_empty() {
                section aria-labelledby="recent" {
                    h2 #recent { "Recent" }
                    ul.recent { @for entry in ended.iter().take(RECENT) { (line(&entry.payment)) } }
                }
            }
        }
    }
}

/// A pending payment, with what the customer must know.
fn ticket(entry: &Entry, now: Timestamp) -> Markup {
    let payment = &entry.payment;
    let id = payment.ecommerce_id;
    html! {
        article.ticket id={ "payment-" (id) } {
            p.business { (payment.business_name.as_deref().unwrap_or_default()) }
            p.total { "$" (payment.total) }
            @if !payment.items.is_empty() {
                ul.items {
                    @for item in &payment.items {
                        li {
                            span { (item.quantity) " × " (item.name) }
                            " "
                            span.price { "$" (item.total().unwrap_or(item.price)) }
                        }
                    }
                }
            }
            p.metadata {
                (payment.metadata_1)
                @if !payment.metadata_2.is_empty() { " · " (payment.metadata_2) }
            }
            p.left { time { (left(entry.deadline, now)) } " left" }
            @if payment.status == Status::Confirmed {
                p.approved { "Approved. The shop takes the money when it authorizes the payment." }
            }
            form method="post" {
                @if payment.status == Status::Open {
                    button.approve id={ "approve-" (id) } formaction={ "/simulator/payments/" (id) "/approve" } {
                        "Approve"
                    }
                    " "
                }
                button id={ "decline-" (id) } formaction={ "/simulator/payments/" (id) "/decline" } { "Decline" }
            }
        }
    }
}

/// A payment in a final status.
fn line(payment: &SimulatedPayment) -> Markup {
    let (id, status) = (payment.ecommerce_id, payment.status.to_string());
    let left = payment.refundable();
    html! {
        li {
            span {
                strong { "$" (payment.total) }
                @if payment.kind != TransactionKind::Ecommerce { " " (payment.kind) }
                " " span.metadata { (payment.metadata_1) }
            }
            span.end {
                @if !left.is_zero() {
                    form method="post" {
                        button.small id={ "refund-" (id) } title={ "Refund $" (left) " from the business's app" }
                            formaction={ "/simulator/payments/" (id) "/refund" } { "Refund" }
                    }
                }
                " "
                span class={ "status " (status) } {
                    (status)
                    @if !payment.refunded_amount.is_zero() { " " small { "$" (payment.refunded_amount) " refunded" } }
                }
            }
        }
    }
}

/// `9:05`, minutes and seconds.
fn left(deadline: Timestamp, now: Timestamp) -> String {
    let seconds = deadline.duration_since(now).as_secs().max(0);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use athm_core::{Amount, Item};

    use super::*;
    use crate::business::Business;
    use crate::clock::Clock;

    fn rendered(ledger: &mut Ledger) -> String {
        screen(ledger).into_string()
    }

    #[test]
    fn the_phone_shows_pending_and_final_payments() {
        let mut ledger = Ledger::new(Business::default(), Clock::default(), fastrand::Rng::with_seed(7));
        assert!(rendered(&mut ledger).contains("No pending payments"));

        let item = Item::new("Mug", Amount::from_cents(1350)).quantity(2);
        let id = ledger.insert(SimulatedPayment::new(Amount::from_cents(2700)).metadata_1("order-7").item(item));
        let page = rendered(&mut ledger);
        for text in ["Simulated Business", "$27.00", "2 × Mug", "order-7", "9:59", "/approve", "/decline"] {
            assert!(page.contains(text), "{text} in {page}");
        }

        ledger.approve(&id).unwrap();
        let page = rendered(&mut ledger);
        assert!(page.contains("Approved.") && !page.contains("/approve"));

        ledger.skip(Duration::from_secs(600));
        let page = rendered(&mut ledger);
        assert!(page.contains("expired") && !page.contains("/decline"));
    }

    #[test]
    fn text_of_the_shop_is_escaped() {
        let mut ledger = Ledger::new(Business::default(), Clock::default(), fastrand::Rng::with_seed(7));
        ledger.insert(SimulatedPayment::new(Amount::from_cents(100)).metadata_1("<script>alert(1)</script>"));
        assert!(!rendered(&mut ledger).contains("<script>alert"));
    }
}
