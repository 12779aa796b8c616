//! Answers: a page, the part of the component that changes, or JSON, in the customer's language.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, ACCEPT_LANGUAGE, ContentType, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use athm_core::Athm;
use athm_core::checkouts::{Checkout, CheckoutError, Language};
use athm_core::errors::StoreError;
use maud::Markup;
use serde::Deserialize;

use super::button::ButtonTheme;
use super::component::{Problem, View};
use super::customer_text::CustomerText;
use super::language::preferred;
use super::options::Pages;
use super::texts::Texts;
use super::{guard, json, page};
use crate::error::answer_to;

/// Asks for the part of the component that changes, in place of a page.
const VIEW: &str = "Athm-View";
/// How long a customer whose phone was asked too often has to wait, in seconds; and any other, when it can't be done now.
const PUSH_SECONDS: u32 = 3600;
pub(super) const RETRY_SECONDS: u32 = 5;

/// How the page is to be shown.
#[derive(Deserialize)]
struct Shown {
    lang: Option<String>,
    theme: Option<String>,
}

/// In what format, language and theme a request is answered.
pub(super) struct Answer<'a> {
    request: &'a HttpRequest,
    pages: &'a Pages,
    format: Format,
    path: &'a str,
    /// The language of the address, and what the browser prefers.
    languages: (Option<Language>, Option<Language>),
    theme: ButtonTheme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Page,
    Part,
    Json,
}

impl<'a> Answer<'a> {
    pub(super) fn to(request: &'a HttpRequest, pages: &'a Pages) -> Self {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let accept = header(ACCEPT);
        let format = if request.headers().contains_key(VIEW) {
            Format::Part
        } else if accept.contains("application/json") && !accept.contains("text/html") {
            Format::Json
        } else {
            Format::Page
        };
        let shown = web::Query::<Shown>::from_query(request.query_string());
        let shown = shown.map_or(Shown { lang: None, theme: None }, web::Query::into_inner);
        Self {
            request,
            pages,
            format,
            path: request.path().rsplit_once("/checkout/").map_or("", |(path, _)| path),
            languages: (shown.lang.and_then(|lang| lang.parse().ok()), preferred(header(ACCEPT_LANGUAGE))),
            theme: shown.theme.and_then(|theme| theme.parse().ok()).unwrap_or_default(),
        }
    }

    fn language(&self, checkout: Option<&Checkout>) -> Language {
        let chosen = checkout.and_then(Checkout::language);
        self.languages.0.or(chosen).or(self.languages.1).unwrap_or(Language::English)
    }

    fn view(&self, checkout: &'a Checkout, problem: Option<Problem<'a>>) -> View<'a> {
        View { checkout, path: self.path, theme: self.theme, language: self.language(Some(checkout)), problem }
    }

    /// The answer to a form that couldn't be carried out.
    pub(super) async fn failed(&self, athm: &Athm, before: &Checkout, error: &CheckoutError) -> HttpResponse {
        let status = status(error);
        if status.is_server_error() {
            tracing::error!(error = error as &dyn std::error::Error, "a checkout's form couldn't be carried out");
        }
        let now = athm.checkouts().find(before.id()).await.ok().flatten();
        let checkout = now.as_ref().unwrap_or(before);
        let text = error.customer_text(self.language(Some(checkout)));
        let mut answer = self.with(status, checkout, Some(Problem::Other(text)));
        let seconds = match error {
            CheckoutError::TooManyPushes => PUSH_SECONDS,
            _ => RETRY_SECONDS,
        };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        answer
    }

    /// A page is shown by an address of its own, so that a reload posts nothing again.
    pub(super) fn changed(&self, checkout: &Checkout) -> HttpResponse {
        if self.format == Format::Page {
            let address = self.view(checkout, None).address("");
            return builder(StatusCode::SEE_OTHER).insert_header((LOCATION, address)).finish();
        }
        self.with(StatusCode::OK, checkout, None)
    }

    pub(super) fn with(&self, status: StatusCode, checkout: &Checkout, problem: Option<Problem<'_>>) -> HttpResponse {
        let view = View { problem, ..self.view(checkout, None) };
        match self.format {
            Format::Part => html(status, view.part()),
            Format::Json => {
                let error = match problem {
                    Some(Problem::Phone(_)) => Some(Texts::of(view.language).phone_error),
                    Some(Problem::Other(text)) => Some(text),
                    None => None,
                };
                builder(status).json(json::checkout(checkout, view.language, error))
            }
            Format::Page => {
                let (scheme, host) = self.pages.options.origin(self.request);
                let url = format!("{scheme}://{host}{}/checkout/{}", self.path, checkout.id());
                html(status, page::checkout(&view, &self.pages.options, &url))
            }
        }
    }

    pub(super) fn not_found(&self) -> HttpResponse {
        self.refused(StatusCode::NOT_FOUND, |texts| (texts.not_found, texts.not_found_text))
    }

    pub(super) fn unavailable(&self, error: &StoreError) -> HttpResponse {
        tracing::error!(error = error as &dyn std::error::Error, "a checkout couldn't be read");
        let mut answer = self.refused(StatusCode::SERVICE_UNAVAILABLE, |texts| (texts.reload, texts.unavailable));
        answer.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS.into());
        answer
    }

    pub(super) fn refused(
        &self,
        status: StatusCode,
        text: impl Fn(&Texts) -> (&'static str, &'static str),
    ) -> HttpResponse {
        let language = self.language(None);
        let (title, text) = text(Texts::of(language));
        match self.format {
            Format::Json => builder(status).json(serde_json::json!({ "error": text })),
            // The script shows it on the page that it has.
            Format::Part => html(status, maud::html! { p data-problem { (text) } }),
            Format::Page => html(status, page::message(self.path, language, &self.pages.options, title, text)),
        }
    }
}

fn status(error: &CheckoutError) -> StatusCode {
    match error {
        CheckoutError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        CheckoutError::Unknown => StatusCode::NOT_FOUND,
        CheckoutError::KeyTaken | CheckoutError::Opening => StatusCode::CONFLICT,
        CheckoutError::TooManyPushes | CheckoutError::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        CheckoutError::Operation(error) => answer_to(error).0,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

pub(super) fn builder(status: StatusCode) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    guard::HEADERS.into_iter().for_each(|header| {
        builder.insert_header(header);
    });
    builder
}

fn html(status: StatusCode, markup: Markup) -> HttpResponse {
    builder(status).content_type(ContentType::html()).body(markup.into_string())
}
