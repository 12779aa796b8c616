//! A form that a page of a checkout posts, from the guard to the answer. What it changes is all that the routes differ in.

use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use athm_core::checkouts::{Checkout, CheckoutError, CheckoutId};
use athm_core::errors::{IdError, StoreError};
use athm_core::{Athm, PhoneNumber};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;

use super::answer::Answer;
use super::component::Problem;
use super::guard;
use super::options::Pages;

/// What a form of the page carries. Amounts are not among it: whatever a form says of them is not read.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    token: String,
    attempts: Option<u32>,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    email: String,
}

/// A form that was posted to one of a checkout's routes.
pub(super) struct Form {
    request: HttpRequest,
    athm: web::Data<Athm>,
    pages: web::Data<Pages>,
    fields: Fields,
}

/// Why a form wasn't carried out.
pub(super) enum FormError {
    /// Its phone number can't be read.
    Phone,
    Checkout(CheckoutError),
}

impl Form {
    /// Checks who posts it, has `change` carry it out on its checkout, and answers with the checkout as it is then.
    pub(super) async fn answer(
        &self,
        change: impl AsyncFnOnce(&Athm, &Checkout) -> Result<Checkout, FormError>,
    ) -> HttpResponse {
        let answer = Answer::to(&self.request, &self.pages);
        let checkout = match self.checkout(&answer).await {
            Ok(checkout) => checkout,
            Err(refused) => return refused,
        };
        match change(&self.athm, &checkout).await {
            Ok(changed) => answer.changed(&changed),
            Err(FormError::Phone) => {
                let problem = Problem::Phone(&self.fields.phone);
                answer.with(StatusCode::UNPROCESSABLE_ENTITY, &checkout, Some(problem))
            }
            Err(FormError::Checkout(error)) => answer.failed(&self.athm, &checkout, &error).await,
        }
    }

    /// The checkout that the form may change, or why it may not.
    async fn checkout(&self, answer: &Answer<'_>) -> Result<Checkout, HttpResponse> {
        let Pages { options, origins, .. } = &**self.pages;
        if guard::is_foreign(&self.request, options, origins) {
            return Err(answer.refused(StatusCode::FORBIDDEN, |texts| (texts.reload, texts.origin_error)));
        }
        match find(&self.request, &self.athm).await {
            Ok(Some(checkout)) if checkout.is_form_token(&self.fields.token) => Ok(checkout),
            Ok(Some(_)) => Err(answer.refused(StatusCode::FORBIDDEN, |texts| (texts.reload, texts.form_error))),
            Ok(None) => Err(answer.not_found()),
            Err(error) => Err(answer.unavailable(&error)),
        }
    }

    pub(super) fn phone(&self) -> Result<PhoneNumber, FormError> {
        Ok(self.fields.phone.parse()?)
    }

    pub(super) fn email(&self) -> &str {
        &self.fields.email
    }

    /// How many payments its page knew of.
    pub(super) fn attempts(&self) -> Option<u32> {
        self.fields.attempts
    }

    /// Whether it is of before the payment that is open now, and says nothing of it.
    pub(super) fn is_stale(&self, checkout: &Checkout) -> bool {
        self.fields.attempts.is_some_and(|attempts| attempts != checkout.attempts())
    }

    /// Whom it is counted against.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.pages.options.address(&self.request)
    }
}

impl FromRequest for Form {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts =
            <(HttpRequest, web::Data<Athm>, web::Data<Pages>, web::Form<Fields>)>::from_request(request, payload);
        async move {
            let (request, athm, pages, web::Form(fields)) = parts.await?;
            Ok(Self { request, athm, pages, fields })
        }
        .boxed_local()
    }
}

impl From<IdError> for FormError {
    fn from(_: IdError) -> Self {
        Self::Phone
    }
}

impl From<CheckoutError> for FormError {
    fn from(error: CheckoutError) -> Self {
        Self::Checkout(error)
    }
}

/// The checkout that a request's path names.
pub(super) async fn find(request: &HttpRequest, athm: &Athm) -> Result<Option<Checkout>, StoreError> {
    match request.match_info().get("id").and_then(|id| id.parse::<CheckoutId>().ok()) {
        Some(id) => athm.checkouts().find(id).await,
        None => Ok(None),
    }
}
