//! The hosted page: the order beside the component.

use athm_core::checkouts::{CheckoutState, Language};
use maud::{DOCTYPE, Markup, html};

use super::component::{View, dollars};
use super::options::CheckoutOptions;
use super::texts::{Texts, other};
use super::{assets, qr};

/// How often the page reloads itself without the script, in seconds.
const RELOAD_SECONDS: u32 = 4;

/// The page of a checkout. `url` is its address in full.
pub(super) fn checkout(view: &View<'_>, options: &CheckoutOptions, url: &str) -> Markup {
    let texts = Texts::of(view.language);
    let (checkout, state) = (view.checkout, view.checkout.state());
    let waits = matches!(state, CheckoutState::Waiting { .. });
    let payable = !waits && state != CheckoutState::Completed;
    let body = html! {
        section.athm-order aria-labelledby="athm-order" {
            h1 #athm-order { (texts.summary) }
            p.athm-amount { (dollars(checkout.total())) }
            dl.athm-rows {
                @for item in checkout.items() {
                    div.athm-item {
                        dt {
                            (item.name)
                            @if item.quantity != 1.into() { " × " (item.quantity) }
                        }
                        dd { @if let Some(total) = item.total() { (dollars(total)) } }
                    }
                }
                @if checkout.tax().cents() != 0 {
                    div { dt { (texts.subtotal) } dd { (dollars(checkout.subtotal())) } }
                    div { dt { (texts.tax) } dd { (dollars(checkout.tax())) } }
                }
                div.athm-sum { dt { (texts.total) } dd { (dollars(checkout.total())) } }
            }
            @if payable && let Some(code) = qr::svg(url) {
                details.athm-qr {
                    summary { (texts.other_device) }
                    (code)
                    p { (texts.other_device_text) }
                }
            }
        }
        (view.root())
    };
    let (language, _) = other(view.language);
    let other_language = View { language, ..view.clone() }.address("");
    let reload = waits.then_some(RELOAD_SECONDS);
    let title = format!("{} · {}", texts.title, dollars(checkout.total()));
    layout(view.path, view.language, options, &title, &body, Some(&other_language), reload)
}

/// A page that says why there is none.
pub(super) fn message(path: &str, language: Language, options: &CheckoutOptions, title: &str, text: &str) -> Markup {
    let body = html! {
        div.athm.athm-message { h1 { (title) } p { (text) } }
    };
    layout(path, language, options, title, &body, None, None)
}

fn layout(
    path: &str,
    language: Language,
    options: &CheckoutOptions,
    title: &str,
    body: &Markup,
    other_language: Option<&str>,
    reload: Option<u32>,
) -> Markup {
    let (to, name) = other(language);
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) @if let Some(business) = &options.business { " · " (business) } }
                // Keeps browsers from asking for an icon.
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(assets::style(path));
                @if let Some(own) = &options.stylesheet { link rel="stylesheet" href=(own); }
                @if let Some(seconds) = reload { noscript { meta http-equiv="refresh" content=(seconds); } }
            }
            body.athm-page {
                header.athm-bar {
                    strong { (options.business.as_deref().unwrap_or_default()) }
                    @if let Some(address) = other_language {
                        a href=(address) hreflang=(to) lang=(to) { (name) }
                    }
                }
                main.athm-main { (body) }
            }
        }
    }
}
