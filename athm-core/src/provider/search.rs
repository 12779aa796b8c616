//! Looking for transactions.

use std::fmt;

use serde_json::{Map, Value};

use super::entry::Entry;
use super::{Client, InvalidRequest, ProviderError, answer};
use crate::callback::wire::words;
use crate::models::{Amount, PhoneNumber, ReferenceNumber, Transaction, TransactionKind};

const SEARCH: &str = "/api/v4/searchTransaction";

/// What to look for: [`Client::search`]. All that is given must match, exactly.
///
/// Its `Debug` shows nothing of the customer.
///
/// ```
/// use athm_core::Amount;
/// use athm_core::provider::Search;
///
/// let search = Search::new().metadata_1("order-7").total(Amount::from_cents(2500));
/// ```
#[derive(Clone, Default)]
#[must_use = "a search finds nothing by itself"]
pub struct Search {
    fields: Map<String, Value>,
}

impl Search {
    /// Nothing to look for yet: the provider wants at least one of the following.
    pub fn new() -> Self {
        Self::default()
    }

    /// The movement of money.
    pub fn reference_number(self, reference: &ReferenceNumber) -> Self {
        self.with("referenceNumber", reference.as_str())
    }

    /// The number within the business's day.
    pub fn daily_transaction_id(self, id: impl Into<String>) -> Self {
        self.with("dailyTransactionID", id)
    }

    /// The customer's name.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with("name", name)
    }

    /// The customer's phone.
    pub fn phone(self, phone: &PhoneNumber) -> Self {
        self.with("phoneNumber", words::searched_phone(phone))
    }

    /// The customer's e-mail address.
    pub fn email(self, email: impl Into<String>) -> Self {
        self.with("email", email)
    }

    /// What the customer paid.
    pub fn total(self, total: Amount) -> Self {
        self.with("total", total.to_string())
    }

    /// The first of the merchant's two texts.
    pub fn metadata_1(self, text: impl Into<String>) -> Self {
        self.with("metadata1", text)
    }

    /// The second of the merchant's two texts.
    pub fn metadata_2(self, text: impl Into<String>) -> Self {
        self.with("metadata2", text)
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.insert(name.to_owned(), Value::String(value.into()));
        self
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.fields.keys().collect();
        f.debug_struct("Search").field("by", &names).finish_non_exhaustive()
    }
}

impl Client {
    /// Looks for transactions (POST `searchTransaction`): none, one or several. They name the customer, and have no
    /// `ecommerceId`. One that can't be read is left out, with a WARN log line that names the field.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]; there is none for finding nothing.
    pub async fn search(&self, search: &Search) -> Result<Vec<Transaction>, ProviderError> {
        let found = self.entries(search).await?.into_iter().filter_map(|entry| entry.or_left_out("search"));
        Ok(found.collect())
    }

    async fn entries(&self, search: &Search) -> Result<Vec<Entry>, ProviderError> {
        let blank = search.fields.values().all(|value| value.as_str().is_none_or(|text| text.trim().is_empty()));
        if blank {
            return Err(InvalidRequest::NothingToSearch.into());
        }
        let asked_at = self.clock.now();
        let body = self.with_tokens(Value::Object(search.fields.clone()));
        let call = self.post(&self.www, SEARCH).with(&body);
        let found = match call.send_with_retries(&self.reads, answer::MAX_BYTES).await {
            Ok(Value::Array(several)) => several,
            Ok(one) => vec![one],
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(found.into_iter().map(|value| self.entry(value, asked_at)).collect())
    }

    /// Reads a payment by its reference number: the one way for messages without an `ecommerceId`. A refund is returned
    /// only where nothing else has that number.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]; [`is_not_found`](ProviderError::is_not_found) when there is no such payment.
    pub async fn find_by_reference(&self, reference: &ReferenceNumber) -> Result<Transaction, ProviderError> {
        let found = self.entries(&Search::new().reference_number(reference)).await?;
        let (mut refund, mut unreadable) = (None, None);
        for entry in found.into_iter().filter(|entry| entry.may_be(reference)) {
            match entry.read {
                Ok(found) if *found.kind() == TransactionKind::Refund => refund = refund.or(Some(found)),
                Ok(payment) => return Ok(payment),
                Err(error) => unreadable = unreadable.or(Some(error)),
            }
        }
        // What can't be read may be what was asked for: it is to be asked about again.
        match (unreadable, refund) {
            (Some(error), _) => Err(error),
            (None, refund) => refund.ok_or(ProviderError::NotFound),
        }
    }
}
