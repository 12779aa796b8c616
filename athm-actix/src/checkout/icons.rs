//! Drawings of athm's own.

use maud::{Markup, html};

fn icon(shape: Markup) -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.25"
            stroke-linecap="round" stroke-linejoin="round" { (shape) }
    }
}

/// A phone on which something is approved.
pub(super) fn phone() -> Markup {
    html! {
        svg viewBox="0 0 20 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2"
            stroke-linecap="round" stroke-linejoin="round" {
            rect x="3" y="1.5" width="14" height="21" rx="3.25" {}
            path d="m6.75 11.75 2.4 2.5 4.35-5" {}
            path d="M9 19h2" {}
        }
    }
}

pub(super) fn check() -> Markup {
    icon(html! { path d="m4.5 12.75 5 5 10-11" {} })
}

pub(super) fn cross() -> Markup {
    icon(html! { path d="m6 6 12 12M18 6 6 18" {} })
}

pub(super) fn clock() -> Markup {
    icon(html! { circle cx="12" cy="12" r="9" {} path d="M12 7v5.25l3.25 2" {} })
}

pub(super) fn alert() -> Markup {
    icon(html! { path d="M12 4v10M12 19.5v.01" {} })
}
