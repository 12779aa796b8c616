//! What happened in a time.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::at;
use super::{Client, InvalidRequest, ProviderError};
use crate::callback::FieldError;
use crate::callback::wire::words;
use crate::models::Transaction;

const REPORT: &str = "/transactions/v4/transactionReport";
/// Some 50,000 transactions.
const MAX_BYTES: usize = 64 * 1024 * 1024;

impl Client {
    /// The business's transactions from one time to another, to the second (GET `transactionReport`): payments of every
    /// sort, and refunds where the provider lists them. Nothing in that time is an empty list. The entries name the
    /// customer, and have no `ecommerceId`.
    ///
    /// One that can't be read is left out, with a WARN log line that names the field.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. The times must be in order and none in the future; the provider limits how many days they may
    /// be apart (`BTRA_0026`), and doesn't publish how many.
    pub async fn report(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Transaction>, ProviderError> {
        let asked_at = self.clock.now();
        if from >= until {
            return Err(InvalidRequest::Range { from, until }.into());
        }
        if until > asked_at {
            return Err(InvalidRequest::Future { until }.into());
        }
        let body = self.with_tokens(json!({ "fromDate": words::second(from), "toDate": words::second(until) }));
        // The one endpoint that takes a body with a GET.
        let call = self.request(self.http.get(at(&self.www, REPORT)), REPORT).with(&body);
        let entries = match call.send_with_retries(&self.reads, MAX_BYTES).await {
            Ok(Value::Array(entries)) => entries,
            Ok(_) => return Err(FieldError::new("report", "a list of transactions").into()),
            Err(ProviderError::Rejected { code, .. }) if code.is_nothing_in_range() => Vec::new(),
            Err(error) => return Err(error),
        };
        let entries = entries.into_iter().map(|entry| self.entry(entry, asked_at));
        Ok(entries.filter_map(|entry| entry.or_left_out("report")).collect())
    }
}
