//! From fields to what they mean.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Fields, words};
use crate::callback::{FieldError, Message};
use crate::models::{Amount, Customer, Item, RefundDetail, Status, Transaction, TransactionId, TransactionKind};

// The names under which a field has been seen, in the order in which they are tried.
const STATUS: &[&str] = &["ecommerceStatus", "status"];
const DATE: &[&str] = &["transactionDate", "date"];
const DAILY_ID: &[&str] = &["dailyTransactionId", "dailyTransactionID"];
const SUBTOTAL: &[&str] = &["subTotal", "subtotal"];
const REFUNDED: &[&str] = &["totalRefundedAmount", "totalRefundAmount", "refundedAmount"];

impl Fields {
    /// What a message says.
    pub(crate) fn message(&self) -> Result<Message, FieldError> {
        Ok(Message {
            kind: self.kind()?,
            status: self.status()?,
            ecommerce_id: self.parsed(&["ecommerceId"])?,
            reference_number: self.parsed(&["referenceNumber"])?,
            daily_transaction_id: self.text(DAILY_ID)?,
            date: self.date()?,
            total: self.amount(&["total"])?,
            subtotal: self.amount(SUBTOTAL)?,
            tax: self.amount(&["tax"])?,
            fee: self.amount(&["fee"])?,
            net_amount: self.amount(&["netAmount"])?,
            refunded_amount: self.amount(REFUNDED)?,
            metadata_1: self.text(&["metadata1"])?,
            metadata_2: self.text(&["metadata2"])?,
            items: self.items()?,
            customer: self.customer()?,
        })
    }

    /// What the provider answers: its own word.
    ///
    /// What decides (status, identifiers, amounts of money moved) must be readable; what only describes is left out
    /// when it isn't, so that an odd item never holds up a payment.
    pub(crate) fn answer(&self, now: Timestamp) -> Result<Transaction, FieldError> {
        let total = self.amount(&["total"])?.ok_or_else(|| FieldError::missing("total"))?;
        Ok(Transaction {
            id: TransactionId::new(),
            kind: self.kind()?.unwrap_or(TransactionKind::Ecommerce),
            status: self.status()?.ok_or_else(|| FieldError::missing(STATUS[0]))?,
            ecommerce_id: self.parsed(&["ecommerceId"])?,
            reference_number: self.parsed(&["referenceNumber"])?,
            daily_transaction_id: or_nothing(self.text(DAILY_ID)),
            total,
            subtotal: or_nothing(self.amount(SUBTOTAL)).unwrap_or(total),
            tax: or_nothing(self.amount(&["tax"])).unwrap_or_default(),
            fee: or_nothing(self.amount(&["fee"])).unwrap_or_default(),
            net_amount: or_nothing(self.amount(&["netAmount"])).unwrap_or_default(),
            refunded_amount: self.amount(REFUNDED)?.unwrap_or_default(),
            metadata_1: or_nothing(self.text(&["metadata1"])).unwrap_or_default(),
            metadata_2: or_nothing(self.text(&["metadata2"])).unwrap_or_default(),
            items: or_nothing(self.items()),
            customer: or_nothing(self.customer()),
            date: or_nothing(self.date()),
            deadline: None,
            verified: true,
            created_at: now,
            updated_at: now,
        })
    }

    /// Another object within this one.
    pub(crate) fn inner(&self, name: &str) -> Result<Self, FieldError> {
        match self.value(&[name]) {
            Some((_, Value::Object(fields))) => Ok(Self(fields.clone())),
            Some((name, other)) => Err(FieldError::expected(name, "an object", other)),
            None => Err(FieldError::missing(name)),
        }
    }

    /// What the provider answers to a refund: how much it was, and what tells it from others where that is readable.
    pub(crate) fn refund(&self) -> Result<RefundDetail, FieldError> {
        let amount = self.amount(&["refundedAmount", "total"])?;
        Ok(RefundDetail {
            amount: amount.ok_or_else(|| FieldError::missing("refundedAmount"))?,
            reference_number: or_nothing(self.parsed(&["referenceNumber"])),
            daily_transaction_id: or_nothing(self.text(DAILY_ID)),
            date: or_nothing(self.date()),
        })
    }

    /// What has been given back of a payment in all, where that is readable.
    pub(crate) fn total_refunded(&self) -> Option<Amount> {
        or_nothing(self.amount(REFUNDED))
    }

    /// A text under any of these names; absent, null and empty are all nothing. Numbers are taken as they are written.
    pub(crate) fn text(&self, names: &[&str]) -> Result<Option<String>, FieldError> {
        let Some((name, value)) = self.value(names) else { return Ok(None) };
        match value {
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(number) => Ok(Some(number.to_string())),
            other => Err(FieldError::expected(name, "a text", other)),
        }
    }

    fn value<'f>(&'f self, names: &[&'f str]) -> Option<(&'f str, &'f Value)> {
        names.iter().find_map(|name| match self.0.get(*name)? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            value => Some((*name, value)),
        })
    }

    pub(crate) fn status(&self) -> Result<Option<Status>, FieldError> {
        Ok(self.text(STATUS)?.and_then(|word| words::status(&word)))
    }

    fn kind(&self) -> Result<Option<TransactionKind>, FieldError> {
        Ok(self.text(&["transactionType"])?.and_then(|word| words::kind(&word)))
    }

    fn date(&self) -> Result<Option<Timestamp>, FieldError> {
        let Some((name, value)) = self.value(DATE) else { return Ok(None) };
        let text = self.text(&[name])?.unwrap_or_default();
        let expected = "a date such as 2025-05-01 11:02:21";
        words::date(text.trim()).map(Some).ok_or_else(|| FieldError::expected(name, expected, value))
    }

    fn parsed<T: std::str::FromStr<Err = crate::models::IdError>>(
        &self,
        names: &[&str],
    ) -> Result<Option<T>, FieldError> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|error| FieldError::new(names[0], error))
    }

    fn amount(&self, names: &[&str]) -> Result<Option<Amount>, FieldError> {
        let Some((name, value)) = self.value(names) else { return Ok(None) };
        let amount = match value {
            Value::String(text) => text.trim().parse().map_err(|error| FieldError::new(name, error))?,
            Value::Number(_) => Amount::deserialize(value).map_err(|error| FieldError::new(name, error))?,
            other => return Err(FieldError::expected(name, "an amount of dollars such as 25.00", other)),
        };
        Ok(Some(amount))
    }

    fn quantity(&self) -> Result<u32, FieldError> {
        let Some((name, value)) = self.value(&["quantity"]) else { return Ok(1) };
        let wrong = || FieldError::expected(name, "a whole number of pieces", value);
        let text = self.text(&[name]).map_err(|_| wrong())?.unwrap_or_default();
        let number = text.trim();
        number.strip_suffix(".0").unwrap_or(number).parse().map_err(|_| wrong())
    }

    /// An array, a JSON string of one, or the object with numbered fields that jQuery's forms make of one.
    fn items(&self) -> Result<Vec<Item>, FieldError> {
        let Some((name, value)) = self.value(&["items"]) else { return Ok(Vec::new()) };
        let wrong = |found: &Value| FieldError::expected(name, "an array of items", found);
        let parsed;
        let value = match value {
            Value::String(text) => {
                parsed = serde_json::from_str(text).map_err(|_| wrong(value))?;
                &parsed
            }
            value => value,
        };
        let each: Vec<&Value> = match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().collect(),
            Value::Object(numbered) if numbered.keys().all(|key| key.parse::<u32>().is_ok()) => in_order(numbered),
            other => return Err(wrong(other)),
        };
        let item = |(index, value)| item(value).map_err(|error: FieldError| error.within(&format!("{name}[{index}]")));
        each.into_iter().enumerate().map(item).collect()
    }

    fn customer(&self) -> Result<Option<Customer>, FieldError> {
        // An error of these never repeats what was found: errors are logged.
        let text = |name| self.text(&[name]).map_err(|_| FieldError::new(name, "expected a text"));
        let customer = Customer {
            name: text("name")?.map(|name| name.trim().to_owned()),
            phone: text("phoneNumber")?.as_deref().and_then(words::phone_digits),
            email: text("email")?,
            message: text("message")?,
        };
        Ok(customer.known())
    }
}

fn item(value: &Value) -> Result<Item, FieldError> {
    let Value::Object(fields) = value else {
        return Err(FieldError::expected("", "an item (an object)", value));
    };
    let fields = Fields(fields.clone());
    let text = |name| fields.text(&[name]).map(Option::unwrap_or_default);
    Ok(Item {
        name: text("name")?,
        description: text("description")?,
        quantity: fields.quantity()?,
        price: fields.amount(&["price"])?.unwrap_or_default(),
        tax: fields.amount(&["tax"])?.unwrap_or_default(),
        metadata: text("metadata")?,
        sku: text("sku")?,
    })
}

fn in_order(numbered: &Map<String, Value>) -> Vec<&Value> {
    let mut entries: Vec<_> = numbered.iter().collect();
    entries.sort_by_key(|(key, _)| key.parse::<u32>().unwrap_or(u32::MAX));
    entries.into_iter().map(|(_, value)| value).collect()
}

/// What only describes a payment, left out with a warning when it can't be read.
fn or_nothing<T: Default>(read: Result<T, FieldError>) -> T {
    read.unwrap_or_else(|error| {
        tracing::warn!(field = error.field(), "left out a field of the provider's answer that can't be read");
        T::default()
    })
}
