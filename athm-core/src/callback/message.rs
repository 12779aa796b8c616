//! The message itself.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::ParseError;
use super::wire::{self, Fields};
use crate::models::{
    Amount, Customer, EcommerceId, Item, ReferenceNumber, Status, Transaction, TransactionId, TransactionKind,
};

/// What a message says of a payment: a hint, and no more.
///
/// It comes from a customer's browser, or from any sender that knows the webhook's address, and may be made up.
/// athm believes the identifier in it, asks the provider, and believes that. Every field may be absent.
///
/// All shapes are read: forms and JSON, the flat objects of SDK versions 2 and 3, the envelope of version 4, the
/// webhooks of 2020 and of today, and every spelling of status, amount, date and phone that has been seen.
/// Serialising writes the spelling of today's webhooks, which parses back to the same message.
///
/// ```
/// use athm_core::{Message, Status};
///
/// let callback = Message::parse(
///     "application/x-www-form-urlencoded",
///     b"status=completed&referenceNumber=12-ab&total=1&metadata1=order-7",
/// )?;
/// assert_eq!(callback.status(), Some(&Status::Completed));
/// assert_eq!(callback.metadata_1(), Some("order-7"));
/// # Ok::<(), athm_core::errors::ParseError>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Message {
    pub(super) kind: Option<TransactionKind>,
    pub(super) status: Option<Status>,
    pub(super) ecommerce_id: Option<EcommerceId>,
    pub(super) reference_number: Option<ReferenceNumber>,
    pub(super) daily_transaction_id: Option<String>,
    pub(super) date: Option<Timestamp>,
    pub(super) total: Option<Amount>,
    pub(super) subtotal: Option<Amount>,
    pub(super) tax: Option<Amount>,
    pub(super) fee: Option<Amount>,
    pub(super) net_amount: Option<Amount>,
    pub(super) refunded_amount: Option<Amount>,
    pub(super) metadata_1: Option<String>,
    pub(super) metadata_2: Option<String>,
    pub(super) items: Vec<Item>,
    pub(super) customer: Option<Customer>,
}

impl Message {
    /// Reads the body of a request: `application/json`, or a form. Scripts post JSON without a content type, too, or as a
    /// form or a plain text: what begins like JSON is read as JSON under each of these.
    ///
    /// # Errors
    ///
    /// [`ParseError`] says what can't be read, and names the field.
    pub fn parse(content_type: &str, body: &[u8]) -> Result<Self, ParseError> {
        Fields::parse(content_type, body)?.message().map_err(Into::into)
    }

    /// The kind of event that it claims to report.
    #[must_use]
    pub fn kind(&self) -> Option<&TransactionKind> {
        self.kind.as_ref()
    }

    /// The status that it claims; `None` when it claims none, as the oldest SDK does. That never means completed.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// The name that the provider gave the payment when it was opened: `ecommerceId`.
    #[must_use]
    pub fn ecommerce_id(&self) -> Option<&EcommerceId> {
        self.ecommerce_id.as_ref()
    }

    /// The movement of money that it names.
    #[must_use]
    pub fn reference_number(&self) -> Option<&ReferenceNumber> {
        self.reference_number.as_ref()
    }

    /// The number within the business's day that it claims.
    #[must_use]
    pub fn daily_transaction_id(&self) -> Option<&str> {
        self.daily_transaction_id.as_deref()
    }

    /// The time that it claims; the provider writes Puerto Rico's time, which is read into UTC.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        self.date
    }

    /// The total that it claims.
    #[must_use]
    pub fn total(&self) -> Option<Amount> {
        self.total
    }

    /// The subtotal that it claims.
    #[must_use]
    pub fn subtotal(&self) -> Option<Amount> {
        self.subtotal
    }

    /// The tax that it claims.
    #[must_use]
    pub fn tax(&self) -> Option<Amount> {
        self.tax
    }

    /// The fee that it claims.
    #[must_use]
    pub fn fee(&self) -> Option<Amount> {
        self.fee
    }

    /// The net amount that it claims.
    #[must_use]
    pub fn net_amount(&self) -> Option<Amount> {
        self.net_amount
    }

    /// The refunded amount that it claims.
    #[must_use]
    pub fn refunded_amount(&self) -> Option<Amount> {
        self.refunded_amount
    }

    /// The merchant's first text, as it claims.
    #[must_use]
    pub fn metadata_1(&self) -> Option<&str> {
        self.metadata_1.as_deref()
    }

    /// The merchant's second text, as it claims.
    #[must_use]
    pub fn metadata_2(&self) -> Option<&str> {
        self.metadata_2.as_deref()
    }

    /// The items that it claims.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Who it claims has paid.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.customer.as_ref()
    }

    /// The payment as the message states it, for when messages are trusted. The customer is never taken from one.
    pub(crate) fn transaction(&self, now: Timestamp) -> Transaction {
        let total = self.total.unwrap_or_default();
        Transaction {
            id: TransactionId::new(),
            kind: self.kind.clone().unwrap_or(TransactionKind::Ecommerce),
            // No status is never taken for an outcome.
            status: self.status.clone().unwrap_or(Status::Open),
            ecommerce_id: self.ecommerce_id,
            reference_number: self.reference_number.clone(),
            daily_transaction_id: self.daily_transaction_id.clone(),
            total,
            subtotal: self.subtotal.unwrap_or(total),
            tax: self.tax.unwrap_or_default(),
            fee: self.fee.unwrap_or_default(),
            net_amount: self.net_amount.unwrap_or_default(),
            refunded_amount: self.refunded_amount.unwrap_or_default(),
            metadata_1: self.metadata_1.clone().unwrap_or_default(),
            metadata_2: self.metadata_2.clone().unwrap_or_default(),
            items: self.items.clone(),
            customer: None,
            date: self.date,
            deadline: None,
            expected_total: None,
            accepted_total: None,
            verified: false,
            problem: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The message as a form, as the provider's older scripts post it.
    ///
    /// ```
    /// use athm_core::Message;
    ///
    /// let callback = Message::parse("application/json", br#"{"status": "CANCEL", "total": 2.5}"#)?;
    /// assert_eq!(callback.to_form(), "status=CANCEL&total=2.50");
    /// # Ok::<(), athm_core::errors::ParseError>(())
    /// ```
    #[must_use]
    pub fn to_form(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in wire::written(self) {
            match value {
                serde_json::Value::String(text) => form.append_pair(&name, &text),
                other => form.append_pair(&name, &other.to_string()),
            };
        }
        form.finish()
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wire::written(self).serialize(serializer)
    }
}

/// Without the customer's data, which belongs into no log.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("ecommerce_id", &self.ecommerce_id)
            .field("reference_number", &self.reference_number)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
