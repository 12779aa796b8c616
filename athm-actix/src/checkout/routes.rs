//! The routes of a checkout.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, ContentType, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use athm_core::checkouts::{Checkout, CheckoutError, CheckoutId, Language, PayCheckout};
use athm_core::errors::StoreError;
use athm_core::jiff::Timestamp;
use athm_core::{Athm, PhoneNumber};
use maud::Markup;
use serde::Deserialize;

use super::button::ButtonTheme;
use super::component::{Problem, View};
use super::customer_text::CustomerText;
use super::events::{self, Streams};
use super::options::CheckoutOptions;
use super::texts::Texts;
use super::{assets, guard, json, page};
use crate::error::answer_to;

/// Asks for the part of the component that changes, in place of a page.
const VIEW: &str = "Athm-View";
/// How long a customer whose phone was asked too often has to wait, in seconds; and any other, when it can't be done now.
const PUSH_SECONDS: u32 = 3600;
const RETRY_SECONDS: u32 = 5;

/// What the routes share.
struct Pages {
    options: CheckoutOptions,
    /// Origins besides the page's own that may post.
    origins: Vec<String>,
    streams: Streams,
}

pub(crate) fn service(options: CheckoutOptions, origins: Vec<String>) -> actix_web::Scope {
    web::scope("/checkout")
        .app_data(web::Data::new(Pages { options, origins, streams: Streams::default() }))
        .route("/style.css", web::get().to(async || file("text/css", assets::STYLE)))
        .route("/script.js", web::get().to(async || file("text/javascript", assets::SCRIPT)))
        .service(web::resource("/{id}").route(web::get().to(show)))
        .service(web::resource("/{id}/events").route(web::get().to(events)))
        .service(web::resource("/{id}/pay").route(web::post().to(pay)))
        .service(web::resource("/{id}/phone").route(web::post().to(update_phone)))
        .service(web::resource("/{id}/cancel").route(web::post().to(cancel)))
}

/// What a form of the page carries. Amounts are not among it: whatever a form says of them is not read.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    token: String,
    attempts: Option<u32>,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    email: String,
}

/// How the page is to be shown.
#[derive(Deserialize)]
struct Shown {
    lang: Option<String>,
    theme: Option<String>,
}

async fn show(request: HttpRequest, athm: web::Data<Athm>, pages: web::Data<Pages>) -> HttpResponse {
    let answer = Answer::to(&request, &pages);
    match find(&request, &athm).await {
        Ok(Some(checkout)) => answer.with(StatusCode::OK, &checkout, None),
        Ok(None) => answer.not_found(),
        Err(error) => answer.unavailable(&error),
    }
}

/// The address of a checkout leads back to it as it is now.
async fn events(request: HttpRequest, athm: web::Data<Athm>, pages: web::Data<Pages>) -> HttpResponse {
    let place = match find(&request, &athm).await {
        Ok(Some(checkout)) => pages.streams.enter(checkout.id()),
        Ok(None) => return builder(StatusCode::NOT_FOUND).finish(),
        Err(_) => None,
    };
    let Some(place) = place else {
        return builder(StatusCode::SERVICE_UNAVAILABLE).insert_header((RETRY_AFTER, RETRY_SECONDS)).finish();
    };
    let changes = events::changes(athm.get_ref().clone(), place);
    // Proxies that collect an answer before they pass it on would tell nothing until the end.
    let mut answer = builder(StatusCode::OK);
    answer.content_type("text/event-stream").insert_header(("X-Accel-Buffering", "no")).streaming(Box::pin(changes))
}

async fn pay(
    request: HttpRequest,
    athm: web::Data<Athm>,
    pages: web::Data<Pages>,
    form: web::Form<Form>,
) -> HttpResponse {
    let answer = Answer::to(&request, &pages);
    let checkout = match answer.checked(&athm, &form).await {
        Ok(checkout) => checkout,
        Err(refused) => return refused,
    };
    let Ok(phone) = form.phone.parse::<PhoneNumber>() else {
        return answer.with(StatusCode::UNPROCESSABLE_ENTITY, &checkout, Some(Problem::Phone(&form.phone)));
    };
    let mut pay = PayCheckout::new(phone).email(&form.email);
    if let Some(attempts) = form.attempts {
        pay = pay.known_attempts(attempts);
    }
    if let Some(address) = pages.options.address(&request) {
        pay = pay.address(address);
    }
    let paid = athm.checkouts().pay(checkout.id(), pay).await;
    answer.after(&athm, &checkout, paid).await
}

async fn update_phone(
    request: HttpRequest,
    athm: web::Data<Athm>,
    pages: web::Data<Pages>,
    form: web::Form<Form>,
) -> HttpResponse {
    let answer = Answer::to(&request, &pages);
    let checkout = match answer.checked(&athm, &form).await {
        Ok(checkout) => checkout,
        Err(refused) => return refused,
    };
    let Ok(phone) = form.phone.parse::<PhoneNumber>() else {
        return answer.with(StatusCode::UNPROCESSABLE_ENTITY, &checkout, Some(Problem::Phone(&form.phone)));
    };
    let updated = athm.checkouts().update_phone(checkout.id(), phone, pages.options.address(&request)).await;
    answer.after(&athm, &checkout, updated).await
}

async fn cancel(
    request: HttpRequest,
    athm: web::Data<Athm>,
    pages: web::Data<Pages>,
    form: web::Form<Form>,
) -> HttpResponse {
    let answer = Answer::to(&request, &pages);
    let checkout = match answer.checked(&athm, &form).await {
        Ok(checkout) => checkout,
        Err(refused) => return refused,
    };
    // A form of before the payment that is open now says nothing of it.
    if form.attempts.is_some_and(|attempts| attempts != checkout.attempts()) {
        return answer.changed(&checkout);
    }
    let cancelled = athm.checkouts().cancel(checkout.id(), pages.options.address(&request)).await;
    answer.after(&athm, &checkout, cancelled).await
}

fn id(request: &HttpRequest) -> Option<CheckoutId> {
    request.match_info().get("id")?.parse().ok()
}

async fn find(request: &HttpRequest, athm: &Athm) -> Result<Option<Checkout>, StoreError> {
    match id(request) {
        Some(id) => athm.checkouts().find(id).await,
        None => Ok(None),
    }
}

/// In what form, language and theme a request is answered.
struct Answer<'a> {
    request: &'a HttpRequest,
    pages: &'a Pages,
    form: Format,
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
    fn to(request: &'a HttpRequest, pages: &'a Pages) -> Self {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let accept = header(ACCEPT);
        let form = if request.headers().contains_key(VIEW) {
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
            form,
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
        let (language, now) = (self.language(Some(checkout)), Timestamp::now());
        View { checkout, path: self.path, theme: self.theme, language, now, problem }
    }

    /// The checkout that a form may change, or why it may not.
    async fn checked(&self, athm: &Athm, form: &Form) -> Result<Checkout, HttpResponse> {
        let Pages { options, origins, .. } = self.pages;
        if guard::is_foreign(self.request, options, origins) {
            return Err(self.refused(StatusCode::FORBIDDEN, |texts| (texts.reload, texts.origin_error)));
        }
        match find(self.request, athm).await {
            Ok(Some(checkout)) if checkout.is_form_token(&form.token) => Ok(checkout),
            Ok(Some(_)) => Err(self.refused(StatusCode::FORBIDDEN, |texts| (texts.reload, texts.form_error))),
            Ok(None) => Err(self.not_found()),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// The answer to a form that was carried out, or wasn't.
    async fn after(&self, athm: &Athm, before: &Checkout, changed: Result<Checkout, CheckoutError>) -> HttpResponse {
        let error = match changed {
            Ok(checkout) => return self.changed(&checkout),
            Err(error) => error,
        };
        let status = status(&error);
        if status.is_server_error() {
            tracing::error!(error = &error as &dyn std::error::Error, "a checkout's form couldn't be carried out");
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
    fn changed(&self, checkout: &Checkout) -> HttpResponse {
        if self.form == Format::Page {
            let address = self.view(checkout, None).address("");
            return builder(StatusCode::SEE_OTHER).insert_header((LOCATION, address)).finish();
        }
        self.with(StatusCode::OK, checkout, None)
    }

    fn with(&self, status: StatusCode, checkout: &Checkout, problem: Option<Problem<'_>>) -> HttpResponse {
        let view = View { problem, ..self.view(checkout, None) };
        match self.form {
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

    fn not_found(&self) -> HttpResponse {
        self.refused(StatusCode::NOT_FOUND, |texts| (texts.not_found, texts.not_found_text))
    }

    fn unavailable(&self, error: &StoreError) -> HttpResponse {
        tracing::error!(error = error as &dyn std::error::Error, "a checkout couldn't be read");
        let mut answer = self.refused(StatusCode::SERVICE_UNAVAILABLE, |texts| (texts.reload, texts.unavailable));
        answer.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS.into());
        answer
    }

    fn refused(&self, status: StatusCode, text: impl Fn(&Texts) -> (&'static str, &'static str)) -> HttpResponse {
        let language = self.language(None);
        let (title, text) = text(Texts::of(language));
        match self.form {
            Format::Json => builder(status).json(serde_json::json!({ "error": text })),
            _ => html(status, page::message(self.path, language, &self.pages.options, title, text)),
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

/// The language that a browser prefers, of those that there are: `es-PR,es;q=0.9,en;q=0.8`.
fn preferred(accept: &str) -> Option<Language> {
    let weighed = accept.split(',').filter_map(|entry| {
        let (language, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
        // Thousandths: as whole numbers they compare.
        let weight = weight.trim().strip_prefix("q=")?.trim();
        let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
        let part: u32 = format!("{part:0<3}").get(..3)?.parse().ok()?;
        let weight = whole.parse::<u32>().ok()?.min(1) * 1000 + part;
        Some((language.trim().parse::<Language>().ok()?, weight))
    });
    let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.filter(|(_, weight)| *weight > 0).map(|(language, _)| language)
}

fn builder(status: StatusCode) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    guard::HEADERS.into_iter().for_each(|header| {
        builder.insert_header(header);
    });
    builder
}

fn html(status: StatusCode, markup: Markup) -> HttpResponse {
    builder(status).content_type(ContentType::html()).body(markup.into_string())
}

/// A file that never changes under its address.
fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    builder(StatusCode::OK)
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .content_type(format!("{kind}; charset=utf-8"))
        .body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_what_the_browser_prefers_most() {
        for (accept, expected) in [
            ("es-PR,es;q=0.9,en;q=0.8", Some(Language::Spanish)),
            ("fr-FR, fr;q=0.9, en;q=0.5, es;q=0.7", Some(Language::Spanish)),
            ("en", Some(Language::English)),
            ("fr, es;q=0", None),
            ("de;q=x, *", None),
            ("", None),
        ] {
            assert_eq!(preferred(accept), expected, "{accept}");
        }
    }
}
