//! The calls.

use std::fmt;

use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Builder, ProviderError, answer};
use crate::callback::wire::{Fields, item_object};
use crate::{Clock, EcommerceId, FieldError, NewPayment, ReferenceNumber, Transaction, TransactionKind};

const PAYMENT: &str = "/api/business-transaction/ecommerce/payment";
const FIND: &str = "/api/business-transaction/ecommerce/business/findPayment";
const AUTHORIZATION: &str = "/api/business-transaction/ecommerce/authorization";
const CANCEL: &str = "/api/business-transaction/ecommerce/business/cancel";
const SEARCH: &str = "/api/v4/searchTransaction";

/// A client of the provider's API. A clone shares its connections.
///
/// Every call is sent once. What is returned is the provider's own word: `is_verified()` holds for it.
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
    pub(super) ecommerce: Url,
    pub(super) www: Url,
    pub(super) public_token: SecretString,
    pub(super) private_token: SecretString,
    pub(super) business_id: Option<String>,
    pub(super) clock: Clock,
}

/// A payment that was opened: its name, and the secret that authorizes it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ticket {
    /// The provider's name for it.
    pub ecommerce_id: EcommerceId,
    /// The `auth_token`, good for some 15 minutes.
    pub auth_token: SecretString,
}

impl Client {
    /// Starts to set up a client with the business's two tokens.
    pub fn builder(public_token: impl Into<SecretString>, private_token: impl Into<SecretString>) -> Builder {
        Builder::new(public_token, private_token)
    }

    /// Opens a payment (POST `/payment`).
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. Where its outcome is unknown, a ticket that nobody knows may be open; it moves no money.
    pub async fn create(&self, payment: &NewPayment) -> Result<Ticket, ProviderError> {
        payment.validate()?;
        let body = json!({
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
        let value = self.post(&self.ecommerce, PAYMENT).call(&body).await?;
        let fields = Fields::from_value(value)?;
        let text = |name: &'static str| fields.text(&[name])?.ok_or_else(|| FieldError::missing(name));
        let ecommerce_id = text("ecommerceId")?.parse().map_err(|error| FieldError::new("ecommerceId", error))?;
        Ok(Ticket { ecommerce_id, auth_token: text("auth_token")?.into() })
    }

    /// Reads a payment (POST `/business/findPayment`).
    ///
    /// # Errors
    ///
    /// [`ProviderError`]; [`is_not_found`](ProviderError::is_not_found) when there is no such payment.
    pub async fn find(&self, id: &EcommerceId) -> Result<Transaction, ProviderError> {
        let body = json!({ "ecommerceId": id, "publicToken": self.public_token.expose_secret() });
        self.payment(id, self.post(&self.ecommerce, FIND), &body).await
    }

    /// Moves the money of a payment that the customer has approved (POST `/authorization`).
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. Where its outcome is unknown the money may have moved: find the payment, never repeat this.
    pub async fn authorize(&self, id: &EcommerceId, auth_token: &SecretString) -> Result<Transaction, ProviderError> {
        let call = self.post(&self.ecommerce, AUTHORIZATION);
        let call = Call { request: call.request.bearer_auth(auth_token.expose_secret()), ..call };
        self.payment(id, call, &Value::Null).await
    }

    /// Cancels a payment that isn't completed (POST `/business/cancel`).
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub async fn cancel(&self, id: &EcommerceId) -> Result<(), ProviderError> {
        let body = json!({ "ecommerceId": id, "publicToken": self.public_token.expose_secret() });
        self.post(&self.ecommerce, CANCEL).call(&body).await.map(drop)
    }

    /// Reads a payment by its reference number (POST `searchTransaction`): the one way for messages without a ticket.
    /// The answer names the customer, and no ticket.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]; [`is_not_found`](ProviderError::is_not_found) when there is no such payment.
    pub async fn search(&self, reference: &ReferenceNumber) -> Result<Transaction, ProviderError> {
        let body = json!({
            "publicToken": self.public_token.expose_secret(),
            "privateToken": self.private_token.expose_secret(),
            "referenceNumber": reference,
        });
        let asked_at = self.clock.now();
        let found = match self.post(&self.www, SEARCH).call(&body).await? {
            Value::Array(several) => several,
            one => vec![one],
        };
        let mut refund = None;
        for value in found {
            let fields = Fields::from_value(value)?;
            self.refuse_another_business(&fields, Required::Maybe)?;
            let found = fields.answer(asked_at)?;
            match found.kind() {
                _ if found.reference_number() != Some(reference) => {}
                TransactionKind::Refund => refund = Some(found),
                _ => return Ok(found),
            }
        }
        refund.ok_or(ProviderError::NotFound)
    }

    /// A call that answers with the payment itself, which must be the one asked for.
    async fn payment(&self, id: &EcommerceId, call: Call, body: &Value) -> Result<Transaction, ProviderError> {
        let asked_at = self.clock.now();
        let fields = Fields::from_value(call.call(body).await?)?;
        let payment = fields.answer(asked_at)?;
        if payment.ecommerce_id() != Some(id) {
            return Err(ProviderError::OtherPayment { asked: *id });
        }
        self.refuse_another_business(&fields, Required::Always)?;
        Ok(payment)
    }

    /// Search names no business in the samples that are published: there it counts only if it is named.
    fn refuse_another_business(&self, fields: &Fields, required: Required) -> Result<(), ProviderError> {
        let Some(ours) = &self.business_id else { return Ok(()) };
        match fields.text(&["businessCustomerId"])? {
            Some(named) if named == *ours => Ok(()),
            None if required == Required::Maybe => Ok(()),
            _ => Err(ProviderError::OtherBusiness),
        }
    }

    fn post(&self, host: &Url, path: &str) -> Call {
        let mut url = host.clone();
        url.set_path(path);
        Call { request: self.http.post(url), path: path.to_owned() }
    }
}

/// Whether an answer must name the business.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Required {
    Always,
    Maybe,
}

struct Call {
    request: RequestBuilder,
    path: String,
}

impl Call {
    /// Sends it, once, and reads the answer.
    async fn call(self, body: &Value) -> Result<Value, ProviderError> {
        let request = if body.is_null() { self.request } else { self.request.json(body) };
        let response = request.send().await.map_err(ProviderError::Unreachable)?;
        tracing::debug!(path = self.path, status = response.status().as_u16(), "the provider answered");
        answer::read(response).await
    }
}

/// Without the tokens.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("ecommerce", &self.ecommerce.as_str()).finish_non_exhaustive()
    }
}
