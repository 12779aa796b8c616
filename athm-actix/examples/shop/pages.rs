//! What a visitor sees. Readable without the style sheet, usable without the script.

use athm_actix::Transaction;
use maud::{DOCTYPE, Markup, html};

use crate::live::Run;
use crate::orders::{Order, OrderState, PRODUCTS};

/// The shop: what it sells, what was ordered, and what the receivers did.
pub(crate) fn counter(orders: &[Order], runs: &[Run], api_url: &str) -> Markup {
    let main = html! {
        ul.products {
            @for (place, product) in PRODUCTS.iter().enumerate() {
                li {
                    h2 { (product.name) }
                    p { (product.description) }
                    form method="post" action="/orders" {
                        p.price { "$" (product.price) }
                        button name="product" value=(place) { "Pay with ATH Móvil" }
                    }
                }
            }
        }
        div #live .columns {
            section aria-labelledby="orders" {
                h2 #orders { "Orders" }
                @if orders.is_empty() { p.empty { "None yet. Buy something: no real money moves here." } }
                ul.rows { @for order in orders {
                    li {
                        a href={ "/orders/" (order.id) } { (order.id) }
                        " " (badge(order.state))
                        " " span.detail { (order.product) ", $" (order.total) }
                    }
                } }
            }
            section aria-labelledby="receivers" {
                h2 #receivers { "What receivers ran" }
                @if runs.is_empty() { p.empty { "None since the shop opened. They run when a payment ends." } }
                ol.rows { @for run in runs { (line(run)) } }
            }
        }
    };
    layout("Colmado La Loma", "Coffee and hot sauce from Puerto Rico, paid with ATH Móvil.", &main, Some(api_url), None)
}

fn line(run: &Run) -> Markup {
    let is_ok = run.result == "ok";
    html! {
        li {
            code { (run.receiver) }
            " " span.result.good[is_ok].bad[!is_ok] { (run.result) }
            " " span.detail { (run.signal) " of " (run.order) " by " (run.sender) ", " time { (run.time) } }
            " " small { "transaction " (run.transaction) }
        }
    }
}

/// An order, and while its payment is open, the way to pay it.
pub(crate) fn order(order: &Order, payment: Option<&Transaction>, api_url: &str) -> Markup {
    let open = payment.filter(|payment| !payment.status().is_final() && order.state != OrderState::Paid);
    let ticket = open.and_then(Transaction::ecommerce_id);
    let main = html! {
        section #live aria-label="State" aria-live="polite" {
            p.state { (badge(order.state)) }
            p { (news(order.state)) }
            ul.rows { li { "1 × " (order.product) " " span.price { "$" (order.total) } } }
            @if let Some(reference) = payment.and_then(Transaction::reference_number) {
                p { small { "Reference " (reference) } }
            }
            @if let Some(email) = &order.receipt_to {
                p { small { "A receipt goes to " (email) "." } }
            }
        }
        @if let Some(ticket) = ticket {
            section #pay aria-label="Payment" {
                noscript { p { "Without JavaScript: approve the payment on the phone, then come back and press “Check now”." } }
                // The provider's script finds its place by this id, and the page's script the payment.
                div #ATHMovil_Checkout_Button_payment data-ecommerce-id=(ticket) {
                    a.button data-simulator="" href={ (api_url) "/#payment-" (ticket) } target="_blank" rel="noopener" {
                        "Open the simulated phone"
                    }
                }
                p #message role="status" {}
                form method="post" action={ "/orders/" (order.id) "/check" } {
                    "Decided, and nothing happens here? " button.quiet { "Check now" }
                }
            }
        }
        @if order.state == OrderState::Paid {
            section aria-label="Behind the counter" {
                form method="post" action={ "/orders/" (order.id) "/refund" } {
                    "Behind the counter: the customer changed their mind. "
                    button.quiet { "Give $" (order.total) " back" }
                }
            }
        }
        p.back { a href="/" { "Back to the shop" } }
    };
    let script = ticket.map(|_| format!("{api_url}/api/modal/js/athmovil_base.js"));
    layout(&order.id, "Your order at Colmado La Loma.", &main, None, script.as_deref())
}

/// A page for what can't be done.
pub(crate) fn problem(what: &str) -> Markup {
    layout("That didn’t work", what, &html! { p.back { a href="/" { "Back to the shop" } } }, None, None)
}

fn news(state: OrderState) -> &'static str {
    match state {
        OrderState::Waiting => "Approve the payment on the phone within ten minutes. This page follows by itself.",
        OrderState::Approved => "You approved the payment. The shop takes the money now.",
        OrderState::Paid => "Thank you! Your order is on its way.",
        OrderState::Underpaid => {
            "Some other amount came in with this order’s number. It isn’t sent before it is paid in full."
        }
        OrderState::Cancelled => "The payment was cancelled. Nothing was charged.",
        OrderState::Refunded => "The money is on its way back to you.",
        OrderState::Expired => "The payment wasn't approved in time. Nothing was charged.",
    }
}

fn badge(state: OrderState) -> Markup {
    let (class, text) = match state {
        OrderState::Waiting => ("open", "waiting for payment"),
        OrderState::Approved => ("open", "approved"),
        OrderState::Paid => ("good", "paid"),
        OrderState::Underpaid => ("bad", "underpaid"),
        OrderState::Cancelled => ("ended", "cancelled"),
        OrderState::Refunded => ("ended", "refunded"),
        OrderState::Expired => ("ended", "expired"),
    };
    html! { strong class={ "badge " (class) } { (text) } }
}

fn layout(title: &str, subtitle: &str, main: &Markup, phone: Option<&str>, provider_script: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · athm demo" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
                script src="/script.js" defer {}
                @if let Some(script) = provider_script { script src=(script) defer {} }
                noscript { meta http-equiv="refresh" content="5"; }
            }
            body {
                header {
                    h1 { (title) }
                    p { (subtitle) @if let Some(phone) = phone { " " a href={ (phone) "/" } target="_blank" rel="noopener" { "The customer’s phone" } } }
                }
                main { (main) }
            }
        }
    }
}
