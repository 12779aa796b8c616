//! One transaction of a list: a search's or a report's. One that can't be read is no reason to lose the others.

use jiff::Timestamp;
use serde_json::Value;

use super::client::Required;
use super::{Client, ProviderError};
use crate::callback::wire::Fields;
use crate::models::{ReferenceNumber, Transaction};
use crate::util::limit::LogLimit;

static WARNINGS: LogLimit = LogLimit::new();

/// An entry, read as far as that is possible.
pub(super) struct Entry {
    pub(super) read: Result<Transaction, ProviderError>,
    /// Where nothing but this can be read of it.
    reference_number: Option<ReferenceNumber>,
}

impl Client {
    pub(super) fn entry(&self, value: Value, asked_at: Timestamp) -> Entry {
        let fields = match Fields::of_answer(value) {
            Ok(fields) => fields,
            Err(error) => return Entry { read: Err(error.into()), reference_number: None },
        };
        let is_ours = self.refuse_another_business(&fields, Required::Optional);
        let read = is_ours.and_then(|()| Ok(fields.answer(asked_at)?));
        Entry { read, reference_number: fields.parsed(&["referenceNumber"]).unwrap_or_default() }
    }
}

impl Entry {
    /// Whether it has that reference number, or what it has can't be read.
    pub(super) fn may_be(&self, reference: &ReferenceNumber) -> bool {
        match &self.reference_number {
            Some(known) => known == reference,
            None => matches!(self.read, Err(ProviderError::Unreadable(_))),
        }
    }

    /// The transaction; a warning, without any value, if it can't be read.
    pub(super) fn or_left_out(self, list: &'static str) -> Option<Transaction> {
        self.read.inspect_err(|error| WARNINGS.log(|| log(error, list))).ok()
    }
}

fn log(error: &ProviderError, list: &'static str) {
    let field = match error {
        ProviderError::Unreadable(error) => error.field_error(),
        _ => None,
    };
    match field {
        Some(field) => {
            let (field, reason) = (field.field(), field.reason());
            tracing::warn!(list, field, reason, "left out an entry of the provider's answer that can't be read");
        }
        None => tracing::warn!(list, reason = %error, "left out an entry of the provider's answer that can't be read"),
    }
}
