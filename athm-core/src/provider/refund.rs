//! Giving money back.

use std::fmt;

use jiff::Timestamp;
use serde_json::json;

use super::{Client, InvalidRequest, ProviderError};
use crate::callback::FieldError;
use crate::callback::wire::Fields;
use crate::models::{Amount, InvalidRefund, ReferenceNumber, RefundDetail, Status};

const REFUND: &str = "/api/business-transaction/ecommerce/refund";

/// A refund to be made: [`Client::refund`].
///
/// ```
/// use athm_core::Amount;
/// use athm_core::provider::RefundRequest;
///
/// let refund = RefundRequest::new("215070443-402894c1".parse()?, Amount::from_cents(500)).message("One mug was broken");
/// assert!(refund.validate().is_ok());
/// assert!(refund.message("x".repeat(51)).validate().is_err());
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a refund is made by `Client::refund`"]
pub struct RefundRequest {
    reference_number: ReferenceNumber,
    amount: Amount,
    message: Option<String>,
}

impl RefundRequest {
    /// Gives so much back of the payment with that reference number.
    pub fn new(reference_number: ReferenceNumber, amount: Amount) -> Self {
        Self { reference_number, amount, message: None }
    }

    /// Words for the customer, 50 characters at most.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Checks the provider's rules, so that a refusal costs no request.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] names the first rule that is broken.
    pub fn validate(&self) -> Result<(), InvalidRequest> {
        Ok(InvalidRefund::check(Some(self.amount), self.message.as_deref())?)
    }
}

/// Without the words for the customer.
impl fmt::Debug for RefundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reference_number, amount, .. } = self;
        f.debug_struct("RefundRequest")
            .field("reference_number", reference_number)
            .field("amount", amount)
            .finish_non_exhaustive()
    }
}

/// A refund that was made.
///
/// ```
/// use athm_core::provider::{Client, ProviderError, RefundRequest};
///
/// async fn give_back(client: &Client, request: &RefundRequest) -> Result<(), ProviderError> {
///     let refunded = client.refund(request).await?;
///     println!("{} went back, {:?} in all", refunded.amount, refunded.total_refunded);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refunded {
    /// What was given back.
    pub amount: Amount,
    /// What has been given back of the payment in all, where the provider reports it.
    pub total_refunded: Option<Amount>,
    /// The refund's reference number. The provider's own samples show the payment's here.
    pub reference_number: Option<ReferenceNumber>,
    /// The refund's number within the business's day.
    pub daily_transaction_id: Option<String>,
    /// When the money moved, by the provider's clock.
    pub date: Option<Timestamp>,
}

impl Client {
    /// Gives money back (POST `/refund`). Sent once.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. Where its outcome is unknown the money may have moved: find the payment, never repeat this.
    pub async fn refund(&self, refund: &RefundRequest) -> Result<Refunded, ProviderError> {
        refund.validate()?;
        let mut body = json!({
            "referenceNumber": refund.reference_number,
            "amount": refund.amount,
        });
        if let Some(message) = &refund.message {
            body["message"] = message.as_str().into();
        }
        let body = self.with_tokens(body);
        let fields = Fields::of_answer(self.post(&self.payments, REFUND).with(&body).send_once().await?)?;
        let made = fields.inner("refund")?;
        // Money that is on its way back is none that came back.
        if made.status()? != Some(Status::Completed) {
            return Err(FieldError::new("refund.status", "a completed refund").into());
        }
        let RefundDetail { amount, reference_number, daily_transaction_id, date } = made.refund()?;
        let total_refunded = fields.inner("originalTransaction").ok().and_then(|original| original.total_refunded());
        Ok(Refunded { amount, total_refunded, reference_number, daily_transaction_id, date })
    }
}
