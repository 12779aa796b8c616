//! The component: what a customer does and sees in each state of a checkout.
//!
//! Its root stays on the page. The part within is replaced by the script whenever the state changes, and rendered here in
//! any case.

use athm_core::checkouts::{Checkout, CheckoutState, Language};
use athm_core::jiff::Timestamp;
use athm_core::jiff::civil::DateTime;
use athm_core::jiff::tz::Offset;
use athm_core::{Amount, Transaction};
use maud::{Markup, html};

use super::assets;
use super::button::ButtonTheme;
use super::icons;
use super::texts::Texts;

/// Puerto Rico is four hours behind UTC, all year.
const PUERTO_RICO: Offset = Offset::constant(-4);

/// How a checkout is shown.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    pub(super) checkout: &'a Checkout,
    /// The path of the scope, such as `/athm`.
    pub(super) path: &'a str,
    pub(super) theme: ButtonTheme,
    pub(super) language: Language,
    /// What is wrong with the form that was posted.
    pub(super) problem: Option<Problem<'a>>,
}

/// What is wrong with a form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Problem<'a> {
    /// With the phone number: what was typed.
    Phone(&'a str),
    /// With anything else: what to tell the customer.
    Other(&'static str),
}

impl View<'_> {
    /// The root with its part, its style sheet and its script.
    pub(super) fn root(&self) -> Markup {
        let texts = Texts::of(self.language);
        let theme = self.theme;
        html! {
            div.athm.athm-dark[theme == ButtonTheme::Dark].athm-light[theme == ButtonTheme::Light] data-athm
                lang=(self.language) data-view=(self.address("")) data-events=(self.address("/events"))
                data-offline=(texts.offline) {
                link rel="stylesheet" href=(assets::style(self.path));
                (self.part())
                p.athm-say role="status" data-status {}
                script src=(assets::script(self.path)) defer {}
            }
        }
    }

    /// What changes with the state.
    pub(super) fn part(&self) -> Markup {
        let texts = Texts::of(self.language);
        let (state, is_approved) = (self.checkout.state(), self.checkout.is_approved());
        let name = if is_approved { "approved" } else { state.as_str() };
        let deadline = match state {
            CheckoutState::Waiting { deadline } => Some(deadline),
            _ => None,
        };
        let say = match &state {
            CheckoutState::Waiting { .. } if is_approved => texts.approved,
            CheckoutState::Waiting { .. } => texts.waiting,
            CheckoutState::Completed => texts.completed,
            CheckoutState::Cancelled => texts.cancelled,
            CheckoutState::Expired => texts.expired,
            CheckoutState::Failed => texts.failed,
            _ => "",
        };
        html! {
            div.athm-part data-part data-state=(name) data-version=(version(self.checkout)) data-say=(say)
                data-live[deadline.is_some()] data-deadline=[deadline.map(Timestamp::as_millisecond)]
                data-span=[deadline.map(|_| self.checkout.timeout().as_secs())] data-now=(self.checkout.read_at().as_millisecond()) {
                @match state {
                    CheckoutState::Waiting { .. } if is_approved => (self.approved(texts)),
                    CheckoutState::Waiting { deadline } => (self.waiting(texts, deadline)),
                    CheckoutState::Completed => (self.completed(texts)),
                    state => (self.payable(texts, &state)),
                }
            }
        }
    }

    /// Ready, or to be tried again.
    fn payable(&self, texts: &Texts, state: &CheckoutState) -> Markup {
        let head = match state {
            CheckoutState::Cancelled => Some((icons::cross(), texts.cancelled, texts.not_charged)),
            CheckoutState::Expired => Some((icons::clock(), texts.expired, texts.expired_text)),
            CheckoutState::Failed => {
                Some((icons::alert(), texts.failed, self.checkout.failure(self.language).unwrap_or(texts.unavailable)))
            }
            _ => None,
        };
        let is_bad = *state == CheckoutState::Failed;
        html! {
            @if let Some((icon, title, text)) = head {
                div.athm-head {
                    div.athm-mark.athm-bad[is_bad].athm-calm[!is_bad] { (icon) }
                    h2.athm-title tabindex="-1" data-focus { (title) }
                    p.athm-text { (text) }
                }
            }
            (self.alert())
            form method="post" action=(self.address("/pay")) novalidate data-invalid=(texts.phone_error) {
                (self.hidden())
                (self.phone_field(texts))
                div {
                    label for=(self.id("email")) { (texts.email) }
                    p.athm-hint #(self.id("email-hint")) { (texts.email_hint) }
                    input type="email" name="email" id=(self.id("email")) autocomplete="email" maxlength="254"
                        value=[self.checkout.email()] aria-describedby=(self.id("email-hint"));
                }
                button.athm-pay type="submit" {
                    (icons::phone())
                    span { (pay_label(self.checkout.total(), self.language)) }
                }
            }
            p.athm-note { (texts.nothing_charged_yet) }
            (self.link(texts.go_back))
        }
    }

    fn waiting(&self, texts: &Texts, deadline: Timestamp) -> Markup {
        let left = deadline.duration_since(self.checkout.read_at()).as_secs().max(0);
        let span = i64::try_from(self.checkout.timeout().as_secs()).unwrap_or(600).max(1);
        let [sent_to, then] = texts.waiting_steps;
        html! {
            div.athm-head {
                div.athm-ring {
                    svg viewBox="0 0 120 120" aria-hidden="true" {
                        circle cx="60" cy="60" r="56" {}
                        circle cx="60" cy="60" r="56" data-ring pathLength="100" stroke-dasharray="100"
                            stroke-dashoffset=(100 - (100 * left / span).min(100)) {}
                    }
                    p.athm-left data-left { (format!("{}:{:02}", left / 60, left % 60)) }
                    p.athm-hint { (texts.time_left) }
                }
                h2.athm-title tabindex="-1" data-focus { (texts.waiting) }
                @if let Some(ending) = self.checkout.phone_ending() {
                    p.athm-text { (sent_to) (ending) (then) }
                }
            }
            (self.alert())
            details open[matches!(self.problem, Some(Problem::Phone(_)))] {
                summary { (texts.wrong_number) }
                form method="post" action=(self.address("/phone")) novalidate data-invalid=(texts.phone_error) {
                    (self.hidden())
                    (self.phone_field(texts))
                    button.athm-second type="submit" { (texts.send_again) }
                }
            }
            form method="post" action=(self.address("/cancel")) {
                (self.hidden())
                button.athm-plain type="submit" { (texts.cancel) }
            }
        }
    }

    fn approved(&self, texts: &Texts) -> Markup {
        html! {
            div.athm-head {
                div.athm-ring.athm-spin {
                    svg viewBox="0 0 120 120" aria-hidden="true" {
                        circle cx="60" cy="60" r="56" {}
                        circle cx="60" cy="60" r="56" data-ring pathLength="100" stroke-dasharray="28 72" {}
                    }
                    div.athm-tick { (icons::check()) }
                }
                h2.athm-title tabindex="-1" data-focus { (texts.approved) }
                p.athm-text { (texts.approved_text) }
            }
        }
    }

    fn completed(&self, texts: &Texts) -> Markup {
        let payment = self.checkout.payment();
        let text = match payment {
            Some(payment) if payment.is_mismatch() => texts.reviewed_text,
            Some(payment) if payment.refunded_amount() == payment.total() => texts.refunded_text,
            _ => texts.completed_text,
        };
        html! {
            div.athm-head {
                div.athm-mark.athm-good { (icons::check()) }
                h2.athm-title tabindex="-1" data-focus { (texts.completed) }
                p.athm-text { (text) }
            }
            @if self.checkout.surplus_payments().next().is_some() { p.athm-alert { (texts.paid_twice) } }
            @if let Some(payment) = payment { (self.receipt(texts, payment)) }
            @if let Some(url) = self.checkout.return_url() { a.athm-pay href=(url) { (texts.go_on) } }
        }
    }

    fn receipt(&self, texts: &Texts, payment: &Transaction) -> Markup {
        let date = payment.date().unwrap_or_else(|| payment.updated_at());
        let date = PUERTO_RICO.to_datetime(date);
        html! {
            dl.athm-rows.athm-receipt {
                div { dt { (texts.order) } dd { (payment.metadata_1()) } }
                @if let Some(reference) = payment.reference_number() {
                    div.athm-long { dt { (texts.reference) } dd { (reference) } }
                }
                div {
                    dt { (texts.date) }
                    dd { time datetime=(format!("{date}-04:00")) { (moment(date, self.language)) } }
                }
                div.athm-sum { dt { (texts.total) } dd { (dollars(payment.total())) } }
            }
        }
    }

    fn phone_field(&self, texts: &Texts) -> Markup {
        let typed = match self.problem {
            Some(Problem::Phone(typed)) => Some(typed),
            _ => None,
        };
        let (hint, error) = (self.id("phone-hint"), self.id("phone-error"));
        html! {
            div {
                label for=(self.id("phone")) { (texts.phone) }
                p.athm-hint #(hint) { (texts.phone_hint) }
                input type="tel" name="phone" id=(self.id("phone")) autocomplete="tel-national" inputmode="tel" required
                    maxlength="24" value=[typed] aria-invalid=[typed.map(|_| "true")]
                    aria-describedby={ (hint) " " (error) };
                p.athm-error #(error) role="alert" data-error { @if typed.is_some() { (texts.phone_error) } }
            }
        }
    }

    fn alert(&self) -> Markup {
        html! {
            @if let Some(Problem::Other(text)) = self.problem { p.athm-alert role="alert" { (text) } }
        }
    }

    fn link(&self, text: &str) -> Markup {
        html! {
            @if let Some(url) = self.checkout.return_url() { p.athm-links { a href=(url) { (text) } } }
        }
    }

    /// What no other page knows, and what this page knows of the checkout.
    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="token" value=(self.checkout.form_token());
            input type="hidden" name="attempts" value=(self.checkout.attempts());
        }
    }

    /// The address of one of the checkout's routes, which keeps how it is shown.
    pub(super) fn address(&self, route: &str) -> String {
        let Self { checkout, path, theme, language, .. } = self;
        format!("{path}/checkout/{}{route}?lang={language}&theme={theme}", checkout.id())
    }

    /// An id that no other checkout on the page has.
    fn id(&self, name: &str) -> String {
        format!("athm-{}-{name}", &self.checkout.id().to_string()[..6])
    }
}

/// Changes whenever the part does.
pub(super) fn version(checkout: &Checkout) -> String {
    let ending = checkout.phone_ending().unwrap_or_default();
    let approved = if checkout.is_approved() { "-approved" } else { "" };
    let refunded = checkout.payment().map(|payment| payment.refunded_amount().cents()).unwrap_or_default();
    let (state, attempts, paid) = (checkout.state(), checkout.attempts(), checkout.surplus_payments().count());
    format!("{}{approved}-{attempts}-{ending}-{refunded}-{paid}", state.as_str())
}

/// `Pay $25.00 with ATH Móvil`.
pub(super) fn pay_label(total: Amount, language: Language) -> String {
    let [before, after] = Texts::of(language).pay_with;
    format!("{before}{}{after}", dollars(total))
}

/// `Nov 27, 2026, 4:57 PM`, `27 nov 2026, 4:57 p. m.`
fn moment(date: DateTime, language: Language) -> String {
    let Texts { months, halves: [am, pm], .. } = Texts::of(language);
    let month = months.get(usize::from(date.month().unsigned_abs()).saturating_sub(1)).unwrap_or(&"");
    let (day, year, half) = (date.day(), date.year(), if date.hour() < 12 { am } else { pm });
    let day = match language {
        Language::Spanish => format!("{day} {month} {year}"),
        _ => format!("{month} {day}, {year}"),
    };
    // The time stays on one line.
    format!("{day}, {}\u{a0}{half}", date.strftime("%-I:%M"))
}

pub(super) fn dollars(amount: Amount) -> String {
    format!("${amount}")
}

#[cfg(test)]
mod tests {
    use athm_core::jiff::civil::date;

    use super::*;

    #[test]
    fn a_moment_is_written_as_each_language_does() {
        for (hour, english, spanish) in [
            (0, "Sep 7, 2026, 12:05\u{a0}AM", "7 sept 2026, 12:05\u{a0}a.\u{a0}m."),
            (12, "Sep 7, 2026, 12:05\u{a0}PM", "7 sept 2026, 12:05\u{a0}p.\u{a0}m."),
            (16, "Sep 7, 2026, 4:05\u{a0}PM", "7 sept 2026, 4:05\u{a0}p.\u{a0}m."),
        ] {
            let at = date(2026, 9, 7).at(hour, 5, 59, 0);
            assert_eq!(
                (moment(at, Language::English), moment(at, Language::Spanish)),
                (english.into(), spanish.into())
            );
        }
    }
}
