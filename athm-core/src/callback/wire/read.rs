//! From fields to what they mean.

use std::str::FromStr;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{Fields, Source, repair, words};
use crate::callback::{FieldError, Message};
use crate::models::{
    Amount, AmountError, Customer, IdError, Item, RefundDetail, Status, Transaction, TransactionId, TransactionKind,
    decimal,
};
use crate::util::limit::LogLimit;

// The names under which a field has been seen, in the order in which they are tried.
const STATUS: &[&str] = &["ecommerceStatus", "status"];
const DATE: &[&str] = &["transactionDate", "date"];
const DAILY_ID: &[&str] = &["dailyTransactionId", "dailyTransactionID"];
const SUBTOTAL: &[&str] = &["subTotal", "subtotal"];
const REFUNDED: &[&str] = &["totalRefundedAmount", "totalRefundAmount", "refundedAmount"];

/// Any sender can post messages of nothing but odd fields.
static WARNINGS: LogLimit = LogLimit::new();

impl Fields {
    /// What a message says. Only its identifiers, kind and status can refuse it.
    pub(crate) fn message(&self) -> Result<Message, FieldError> {
        let kind = self.kind()?;
        let signed = sign_of(kind.as_ref());
        Ok(Message {
            status: self.status()?,
            ecommerce_id: self.parsed(&["ecommerceId"])?,
            reference_number: self.parsed(&["referenceNumber"])?,
            daily_transaction_id: self.or_left_out(self.word(DAILY_ID)),
            date: self.or_left_out(self.date()),
            total: self.or_left_out(self.amount(&["total"])).map(signed),
            subtotal: self.described(SUBTOTAL).map(signed),
            tax: self.described(&["tax"]).map(signed),
            fee: self.described(&["fee"]).map(signed),
            net_amount: self.described(&["netAmount"]).map(signed),
            refunded_amount: self.or_left_out(self.amount(REFUNDED)).map(Amount::abs),
            metadata_1: self.or_left_out(self.text(&["metadata1"])),
            metadata_2: self.or_left_out(self.text(&["metadata2"])),
            items: self.items(),
            customer: self.customer(),
            kind,
        })
    }

    /// What the provider answers: its own word.
    ///
    /// What decides (status, identifiers, amounts of money moved) must be readable; what only describes is left out
    /// when it isn't, so that an odd item never holds up a payment.
    pub(crate) fn answer(&self, now: Timestamp) -> Result<Transaction, FieldError> {
        let kind = self.kind()?.unwrap_or(TransactionKind::Ecommerce);
        let signed = sign_of(Some(&kind));
        let total = self.amount(&["total"])?.map(signed).ok_or_else(|| FieldError::missing("total"))?;
        Ok(Transaction {
            id: TransactionId::new(),
            status: self.status()?.ok_or_else(|| FieldError::missing(STATUS[0]))?,
            ecommerce_id: self.parsed(&["ecommerceId"])?,
            reference_number: self.parsed(&["referenceNumber"])?,
            daily_transaction_id: self.or_left_out(self.word(DAILY_ID)),
            total,
            subtotal: self.described(SUBTOTAL).map_or(total, signed),
            tax: self.described(&["tax"]).map(signed).unwrap_or_default(),
            fee: self.described(&["fee"]).map(signed).unwrap_or_default(),
            net_amount: self.described(&["netAmount"]).map(signed).unwrap_or_default(),
            refunded_amount: self.amount(REFUNDED)?.map(Amount::abs).unwrap_or_default(),
            metadata_1: self.or_left_out(self.text(&["metadata1"])).unwrap_or_default(),
            metadata_2: self.or_left_out(self.text(&["metadata2"])).unwrap_or_default(),
            items: self.items(),
            customer: self.customer(),
            date: self.or_left_out(self.date()),
            kind,
            deadline: None,
            expected_total: None,
            accepted_total: None,
            verified: true,
            problem: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// Another object within this one.
    pub(crate) fn inner(&self, name: &str) -> Result<Self, FieldError> {
        match self.value(&[name]) {
            Some((_, Value::Object(values))) => Ok(Self { values: values.clone(), source: self.source }),
            Some((name, other)) => Err(FieldError::expected(name, "an object", other)),
            None => Err(FieldError::missing(name)),
        }
    }

    /// What the provider answers to a refund: how much it was, and what distinguishes it from others where that is readable.
    pub(crate) fn refund(&self) -> Result<RefundDetail, FieldError> {
        let amount = self.amount(&["refundedAmount", "total"])?.map(Amount::abs);
        Ok(RefundDetail {
            amount: amount.ok_or_else(|| FieldError::missing("refundedAmount"))?,
            reference_number: self.or_left_out(self.parsed(&["referenceNumber"])),
            daily_transaction_id: self.or_left_out(self.word(DAILY_ID)),
            date: self.or_left_out(self.date()),
        })
    }

    /// What has been given back of a payment in all, where that is readable.
    pub(crate) fn total_refunded(&self) -> Option<Amount> {
        self.or_left_out(self.amount(REFUNDED)).map(Amount::abs)
    }

    /// A text under any of these names; absent, null and empty are all nothing. Numbers are taken as they are written.
    pub(crate) fn text(&self, names: &[&str]) -> Result<Option<String>, FieldError> {
        let Some((name, value)) = self.value(names) else { return Ok(None) };
        as_text(value).map(Some).ok_or_else(|| FieldError::expected(name, "a text", value))
    }

    /// A text that isn't the merchant's own: there, `null`, `undefined`, `N/A` and `none` say that there is nothing, too.
    pub(crate) fn word(&self, names: &[&str]) -> Result<Option<String>, FieldError> {
        let Some((name, value)) = self.stated(names) else { return Ok(None) };
        as_text(value).map(Some).ok_or_else(|| FieldError::expected(name, "a text", value))
    }

    pub(crate) fn status(&self) -> Result<Option<Status>, FieldError> {
        Ok(self.word(STATUS)?.and_then(|word| words::status(&word)))
    }

    /// What only describes a payment, left out with a warning when it can't be read.
    pub(super) fn or_left_out<T: Default>(&self, read: Result<T, FieldError>) -> T {
        read.unwrap_or_else(|error| {
            let (field, reason) = (error.field(), error.reason());
            // Without the value: it may be personal.
            WARNINGS.log(|| match self.source {
                Source::Message => {
                    tracing::warn!(field, reason, "left out a field of a message that can't be read");
                }
                Source::Answer => {
                    tracing::warn!(field, reason, "left out a field of the provider's answer that can't be read");
                }
            });
            T::default()
        })
    }

    fn value<'f>(&'f self, names: &[&'f str]) -> Option<(&'f str, &'f Value)> {
        names.iter().find_map(|name| match self.values.get(*name)? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            value => Some((*name, value)),
        })
    }

    fn stated<'f>(&'f self, names: &[&'f str]) -> Option<(&'f str, &'f Value)> {
        names
            .iter()
            .find_map(|name| self.value(&[*name]).filter(|(_, value)| !value.as_str().is_some_and(words::is_nothing)))
    }

    fn kind(&self) -> Result<Option<TransactionKind>, FieldError> {
        Ok(self.word(&["transactionType"])?.and_then(|word| words::kind(&word)))
    }

    fn date(&self) -> Result<Option<Timestamp>, FieldError> {
        let Some((name, value)) = self.stated(DATE) else { return Ok(None) };
        let text = self.text(&[name])?.unwrap_or_default();
        let expected = "a date such as 2025-05-01 11:02:21";
        words::date(text.trim()).map(Some).ok_or_else(|| FieldError::expected(name, expected, value))
    }

    /// An identifier under any of these names.
    pub(crate) fn parsed<T: FromStr<Err = IdError>>(&self, names: &[&str]) -> Result<Option<T>, FieldError> {
        let Some((name, value)) = self.stated(names) else { return Ok(None) };
        let text = as_text(value).ok_or_else(|| FieldError::expected(name, "a text", value))?;
        let read = text.trim().parse().map(Some);
        read.map_err(|error: IdError| FieldError::expected(name, error.expected(), value))
    }

    /// An amount of which every cent counts: what is finer than a cent is an error, but for the noise of floats.
    fn amount(&self, names: &[&str]) -> Result<Option<Amount>, FieldError> {
        self.amount_by(names, Amount::try_from)
    }

    /// An amount that only describes a payment: what is finer than a cent is rounded.
    fn rounded(&self, names: &[&str]) -> Result<Option<Amount>, FieldError> {
        self.amount_by(names, Amount::rounded)
    }

    fn described(&self, names: &[&str]) -> Option<Amount> {
        self.or_left_out(self.rounded(names))
    }

    fn amount_by(
        &self,
        names: &[&str],
        read: fn(Decimal) -> Result<Amount, AmountError>,
    ) -> Result<Option<Amount>, FieldError> {
        let Some((name, value)) = self.stated(names) else { return Ok(None) };
        let number = number(value).ok_or_else(|| FieldError::expected(name, AmountError::A_NUMBER, value))?;
        read(number).map(Some).map_err(|error| FieldError::expected(name, error.expected(), value))
    }

    /// By weight, it isn't whole. Kept without the noughts at its end: `"2.00"` is 2.
    fn quantity(&self) -> Result<Decimal, FieldError> {
        let Some((name, value)) = self.stated(&["quantity"]) else { return Ok(Decimal::ONE) };
        let quantity = number(value).filter(|number| !number.is_sign_negative());
        let expected = "a number of pieces such as 2 or 0.75";
        quantity.map(|number| number.normalize()).ok_or_else(|| FieldError::expected(name, expected, value))
    }

    /// An array, a JSON string of one, or the object with numbered fields that a form makes of one. An item that can't be
    /// read is left out alone.
    fn items(&self) -> Vec<Item> {
        let Some((name, value)) = self.stated(&["items"]) else { return Vec::new() };
        let listed;
        let each: Option<Vec<&Value>> = match value {
            Value::String(text) => {
                listed = repair::json(text.as_bytes()).ok();
                listed.as_ref().and_then(entries)
            }
            value => entries(value),
        };
        let each = each.ok_or_else(|| FieldError::expected(name, "an array of items", value));
        let each = self.or_left_out(each).into_iter().enumerate();
        each.filter_map(|(index, value)| {
            let item = self.item(value).map_err(|error| error.within(&format!("{name}[{index}]")));
            self.or_left_out(item.map(Some))
        })
        .collect()
    }

    fn item(&self, value: &Value) -> Result<Item, FieldError> {
        let Value::Object(values) = value else {
            return Err(FieldError::expected("", "an item (an object)", value));
        };
        let fields = Self { values: values.clone(), source: self.source };
        let text = |name| fields.text(&[name]).map(Option::unwrap_or_default);
        Ok(Item {
            name: text("name")?,
            description: text("description")?,
            quantity: fields.quantity()?,
            price: fields.rounded(&["price"])?.unwrap_or_default(),
            tax: fields.rounded(&["tax"])?.unwrap_or_default(),
            metadata: text("metadata")?,
            sku: text("sku")?,
        })
    }

    fn customer(&self) -> Option<Customer> {
        // An error of these never repeats what was found.
        let own = |read: Result<Option<String>, FieldError>, name: &str| {
            self.or_left_out(read.map_err(|_| FieldError::new(name, "a text")))
        };
        let customer = Customer {
            name: own(self.text(&["name"]), "name").map(|name| name.trim().to_owned()),
            phone: own(self.word(&["phoneNumber"]), "phoneNumber").as_deref().and_then(words::phone_digits),
            email: own(self.word(&["email"]), "email"),
            message: own(self.text(&["message"]), "message"),
        };
        customer.non_empty()
    }
}

/// The provider writes refunds with and without a minus sign; both mean the refunded amount.
fn sign_of(kind: Option<&TransactionKind>) -> fn(Amount) -> Amount {
    if kind == Some(&TransactionKind::Refund) { Amount::abs } else { |amount| amount }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Decimal> {
    decimal(as_text(value)?.trim())
}

fn entries(list: &Value) -> Option<Vec<&Value>> {
    match list {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => Some(items.iter().collect()),
        Value::Object(numbered) if numbered.keys().all(|key| key.parse::<u32>().is_ok()) => Some(in_order(numbered)),
        _ => None,
    }
}

fn in_order(numbered: &Map<String, Value>) -> Vec<&Value> {
    let mut entries: Vec<_> = numbered.iter().collect();
    entries.sort_by_key(|(key, _)| key.parse::<u32>().unwrap_or(u32::MAX));
    entries.into_iter().map(|(_, value)| value).collect()
}
