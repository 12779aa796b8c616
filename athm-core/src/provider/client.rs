//! The client, and the calls that concern one payment.

use std::fmt;
use std::time::Duration;

use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::alarm::TokenAlarm;
use super::call::{ApiRequest, ReadRetries};
use super::{ClientBuilder, ProviderError, answer};
use crate::callback::FieldError;
use crate::callback::wire::{Fields, item_object};
use crate::models::{EcommerceId, NewPayment, PhoneNumber, Transaction};
use crate::util::clock::Clock;

const PAYMENT: &str = "/api/business-transaction/ecommerce/payment";
const FIND: &str = "/api/business-transaction/ecommerce/business/findPayment";
const AUTHORIZATION: &str = "/api/business-transaction/ecommerce/authorization";
const UPDATE_PHONE: &str = "/api/business-transaction/ecommerce/business/updatePhoneNumber";
const CANCEL: &str = "/api/business-transaction/ecommerce/business/cancel";

/// A client of the provider's API. A clone shares its connections.
///
/// What is returned is the provider's own word: `is_verified()` holds for it.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::provider::Client;
///
/// let client = Client::builder("public token", "private token").api_url("http://127.0.0.1:9000").build()?;
/// let payment = client.find(&"1f2a6c0e-8d4b-11ef-9c3a-0242ac120002".parse()?).await?;
/// println!("{} of {}", payment.status(), payment.total());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) payments: Url,
    pub(super) www: Url,
    pub(super) public_token: SecretString,
    pub(super) private_token: SecretString,
    pub(super) business_id: Option<String>,
    pub(super) timeout: Duration,
    pub(super) reads: ReadRetries,
    pub(super) clock: Clock,
    pub(super) alarm: TokenAlarm,
}

/// A payment that was opened: its name, and the secret that authorizes it.
///
/// ```
/// use athm_core::provider::{Client, ProviderError};
/// use athm_core::{Amount, NewPayment};
///
/// async fn pay(client: &Client) -> Result<(), ProviderError> {
///     let created = client.create(&NewPayment::new(Amount::from_cents(2500), "order-7")).await?;
///     // The customer approves it on their phone, then:
///     client.authorize(&created.ecommerce_id, &created.auth_token).await?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct CreatedPayment {
    /// The provider's name for it.
    pub ecommerce_id: EcommerceId,
    /// The `auth_token`, good for some 15 minutes.
    pub auth_token: SecretString,
}

impl Client {
    /// Starts to set up a client with the business's two tokens.
    pub fn builder(public_token: impl Into<SecretString>, private_token: impl Into<SecretString>) -> ClientBuilder {
        ClientBuilder::new(public_token, private_token)
    }

    /// Opens a payment (POST `/payment`). Sent once.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. Where its outcome is unknown, a payment may be open whose id the caller never received; it moves no
    /// money.
    pub async fn create(&self, payment: &NewPayment) -> Result<CreatedPayment, ProviderError> {
        payment.validate()?;
        let mut body = json!({
            "env": "production",
            "publicToken": self.public_token.expose_secret(),
            "timeout": payment.timeout.as_secs().to_string(),
            "total": payment.total,
            "tax": payment.tax,
            "subtotal": payment.stated_subtotal(),
            "metadata1": payment.metadata_1,
            "metadata2": payment.metadata_2,
            "items": payment.items.iter().map(item_object).collect::<Vec<_>>(),
        });
        if let Some(phone) = &payment.phone {
            body["phoneNumber"] = phone.as_str().into();
        }
        let fields = Fields::of_answer(self.post(&self.payments, PAYMENT).with(&body).send_once().await?)?;
        let ecommerce_id = fields.parsed(&["ecommerceId"])?.ok_or_else(|| FieldError::missing("ecommerceId"))?;
        let auth_token = fields.word(&["auth_token"])?.ok_or_else(|| FieldError::missing("auth_token"))?;
        Ok(CreatedPayment { ecommerce_id, auth_token: auth_token.into() })
    }

    /// Reads a payment (POST `/business/findPayment`).
    ///
    /// # Errors
    ///
    /// [`ProviderError`]; [`is_not_found`](ProviderError::is_not_found) when there is no such payment.
    pub async fn find(&self, id: &EcommerceId) -> Result<Transaction, ProviderError> {
        let asked_at = self.clock.now();
        let call = self.post(&self.payments, FIND).with(&self.named(id));
        self.payment(id, call.send_with_retries(&self.reads, answer::MAX_BYTES).await?, asked_at)
    }

    /// Moves the money of a payment that the customer has approved (POST `/authorization`). Sent once.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. Where its outcome is unknown the money may have moved: find the payment, never repeat this.
    pub async fn authorize(&self, id: &EcommerceId, auth_token: &SecretString) -> Result<Transaction, ProviderError> {
        let asked_at = self.clock.now();
        let call = self.post(&self.payments, AUTHORIZATION).bearer(auth_token).without_body();
        self.payment(id, call.send_once().await?, asked_at)
    }

    /// Gives an open payment to another phone (PUT `/business/updatePhoneNumber`). Sent once.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub async fn update_phone(
        &self,
        id: &EcommerceId,
        auth_token: &SecretString,
        phone: &PhoneNumber,
    ) -> Result<(), ProviderError> {
        let call = self.request(self.http.put(at(&self.payments, UPDATE_PHONE)), UPDATE_PHONE);
        let body = json!({ "ecommerceId": id, "phoneNumber": phone.as_str() });
        call.bearer(auth_token).with(&body).send_once().await.map(drop)
    }

    /// Cancels a payment that isn't completed (POST `/business/cancel`). Sent once.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub async fn cancel(&self, id: &EcommerceId) -> Result<(), ProviderError> {
        self.post(&self.payments, CANCEL).with(&self.named(id)).send_once().await.map(drop)
    }

    /// The same client, which sends reads once, too: for those who ask again themselves.
    pub(crate) fn sending_once(&self) -> Self {
        Self { reads: ReadRetries { attempts: 1, ..self.reads.clone() }, ..self.clone() }
    }

    /// How long a call takes at most.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    fn named(&self, id: &EcommerceId) -> Value {
        json!({ "ecommerceId": id, "publicToken": self.public_token.expose_secret() })
    }

    /// An answer that is the payment itself, which must be the one asked for.
    fn payment(
        &self,
        id: &EcommerceId,
        answer: Value,
        asked_at: jiff::Timestamp,
    ) -> Result<Transaction, ProviderError> {
        let fields = Fields::of_answer(answer)?;
        let payment = fields.answer(asked_at)?;
        if payment.ecommerce_id() != Some(id) {
            return Err(ProviderError::OtherPayment { asked: *id });
        }
        self.refuse_another_business(&fields, Required::Always)?;
        Ok(payment)
    }

    /// Search names no business in the samples that are published: there it counts only if it is named.
    pub(super) fn refuse_another_business(&self, fields: &Fields, required: Required) -> Result<(), ProviderError> {
        let Some(ours) = &self.business_id else { return Ok(()) };
        match fields.text(&["businessCustomerId"])? {
            Some(named) if named == *ours => Ok(()),
            None if required == Required::Optional => Ok(()),
            _ => {
                self.alarm.answered_for_another_business();
                Err(ProviderError::OtherBusiness)
            }
        }
    }

    /// A body with both tokens, and what is to be asked.
    pub(super) fn with_tokens(&self, mut body: Value) -> Value {
        body["publicToken"] = self.public_token.expose_secret().into();
        body["privateToken"] = self.private_token.expose_secret().into();
        body
    }

    pub(super) fn post(&self, host: &Url, path: &'static str) -> ApiRequest {
        self.request(self.http.post(at(host, path)), path)
    }

    pub(super) fn request(&self, request: RequestBuilder, path: &'static str) -> ApiRequest {
        ApiRequest { request, path, alarm: self.alarm.clone() }
    }
}

/// Whether an answer must name the business.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Required {
    Always,
    Optional,
}

pub(super) fn at(host: &Url, path: &str) -> Url {
    let mut url = host.clone();
    url.set_path(path);
    url
}

/// Without the tokens.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("payments", &self.payments.as_str()).finish_non_exhaustive()
    }
}
