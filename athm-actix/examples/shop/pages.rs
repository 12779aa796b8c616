//! What a visitor sees. Readable without the style sheet, usable without the script.

use athm_actix::checkouts::Checkout;
use athm_actix::{Transaction, checkout_button};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::live::Run;
use crate::orders::{Order, OrderState, PRODUCTS};
use crate::shop::ShownOrder;

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
    layout(
        "Colmado La Loma",
        "Coffee and hot sauce from Puerto Rico, paid with ATH Móvil.",
        &main,
        Some(api_url),
        Refresh::Always,
    )
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

/// An order, the way to pay it, and what the shop may do about it.
pub(crate) fn order(shown: &ShownOrder, api_url: &str) -> Markup {
    let ShownOrder { order, checkout, surplus } = shown;
    let payment = checkout.as_ref().and_then(Checkout::payment);
    let open = payment.filter(|payment| !payment.status().is_final()).and_then(Transaction::ecommerce_id);
    let main = html! {
        div.columns {
            // athm's own component: the phone, the wait, the receipt. It follows the payment by itself.
            @if let Some(checkout) = checkout { (PreEscaped(checkout_button(checkout).to_string())) }
            div #live {
                section aria-label="Order" {
                    p.state { (badge(order.state)) }
                    p { (news(order.state)) }
                    ul.rows { li { "1 × " (order.product) " " span.price { "$" (order.total) } } }
                    @if let Some(email) = &order.receipt_to {
                        p { small { "A receipt goes to " (email) "." } }
                    }
                }
                @if let Some(ticket) = open {
                    section aria-label="Phone" {
                        p { "Your phone is simulated: approve the payment there." }
                        p { a.button href={ (api_url) "/#payment-" (ticket) } target="_blank" rel="noopener" { "Open the phone" } }
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
                @if !surplus.is_empty() {
                    section aria-label="Other money" {
                        form method="post" action={ "/orders/" (order.id) "/refund-surplus" } {
                            "Money came in with this order’s number that doesn’t pay it:"
                            @for payment in surplus { " $" (payment.total()) "." }
                            " " button.quiet { "Give it back" }
                        }
                    }
                }
            }
        }
        p.back { a href="/" { "Back to the shop" } }
    };
    layout(&order.id, "Your order at Colmado La Loma.", &main, None, Refresh::ByScript)
}

/// A page for what can't be done.
pub(crate) fn problem(what: &str) -> Markup {
    layout("That didn’t work", what, &html! { p.back { a href="/" { "Back to the shop" } } }, None, Refresh::ByScript)
}

fn news(state: OrderState) -> &'static str {
    match state {
        OrderState::Open => "Your order waits for its payment.",
        OrderState::Waiting => "Approve the payment on the phone within ten minutes. This page follows by itself.",
        OrderState::Approved => "You approved the payment. The shop takes the money now.",
        OrderState::Paid => "Thank you! Your order is on its way.",
        OrderState::Underpaid => {
            "Some other amount came in with this order’s number. It isn’t sent before it is paid in full."
        }
        OrderState::Cancelled => "The payment was cancelled. Nothing was charged: you may try again.",
        OrderState::Refunded => "The money is on its way back to you.",
        OrderState::Expired => "The payment wasn’t approved in time. Nothing was charged: you may try again.",
    }
}

fn badge(state: OrderState) -> Markup {
    let (class, text) = match state {
        OrderState::Open => ("ended", "not paid yet"),
        OrderState::Waiting => ("open", "waiting for approval"),
        OrderState::Approved => ("open", "approved"),
        OrderState::Paid => ("good", "paid"),
        OrderState::Underpaid => ("bad", "underpaid"),
        OrderState::Cancelled => ("ended", "cancelled"),
        OrderState::Refunded => ("ended", "refunded"),
        OrderState::Expired => ("ended", "expired"),
    };
    html! { strong class={ "badge " (class) } { (text) } }
}

/// Whether a page loads itself again where no script runs. One with a form doesn't: what is being typed would be lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refresh {
    Always,
    ByScript,
}

fn layout(title: &str, subtitle: &str, main: &Markup, phone: Option<&str>, refresh: Refresh) -> Markup {
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
                @if refresh == Refresh::Always { noscript { meta http-equiv="refresh" content="5"; } }
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
