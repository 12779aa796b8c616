//! The JSON of the provider's answers.

mod find;
mod movement;

use athm_core::{Status, TransactionKind};
use serde::Serialize;

pub(super) use self::find::Find;
use self::movement::MovementItem;
pub(super) use self::movement::{Refunded, Report, Search};
use crate::ledger::Entry;
use crate::payment::SimulatedPayment;

/// `{"status":"success","data":…}`.
#[derive(Serialize)]
pub(super) struct Success<T> {
    status: &'static str,
    data: T,
}

impl<T> Success<T> {
    pub(super) fn new(data: T) -> Self {
        Self { status: "success", data }
    }
}

/// The data of the answer to create.
#[derive(Serialize)]
pub(super) struct Created<'a> {
    #[serde(rename = "ecommerceId")]
    ecommerce_id: String,
    // The only key that the provider writes in snake case.
    auth_token: &'a str,
}

impl<'a> Created<'a> {
    pub(super) fn new(entry: &'a Entry) -> Self {
        Self { ecommerce_id: entry.payment.ecommerce_id.to_string(), auth_token: &entry.auth_token }
    }
}

/// The provider reports expired payments as `CANCEL`, too.
pub(super) fn ecommerce_status(status: &Status) -> &str {
    match status {
        Status::Open => "OPEN",
        Status::Confirmed => "CONFIRM",
        Status::Completed => "COMPLETED",
        Status::Cancelled | Status::Expired => "CANCEL",
        Status::Unknown(word) => word,
        _ => "",
    }
}

pub(super) fn transaction_type(kind: &TransactionKind) -> String {
    match kind {
        TransactionKind::Unknown(word) => word.clone(),
        kind => kind.to_string().to_ascii_uppercase(),
    }
}

/// Search has a number where find has a text such as `0001`.
pub(super) fn daily_number(payment: &SimulatedPayment) -> u64 {
    payment.daily_transaction_id.as_deref().and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// `(787) 555-0142`: the only form that search accepts and returns.
pub(super) fn phone(digits: &str) -> String {
    match (digits.get(..3), digits.get(3..6), digits.get(6..)) {
        (Some(area), Some(exchange), Some(line)) if line.len() == 4 => format!("({area}) {exchange}-{line}"),
        _ => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_payment_is_reported_as_cancelled() {
        assert_eq!(ecommerce_status(&Status::Expired), "CANCEL");
        assert_eq!(ecommerce_status(&Status::Cancelled), "CANCEL");
        assert_eq!(ecommerce_status(&Status::Unknown("HELD".into())), "HELD");
    }

    #[test]
    fn a_phone_is_written_as_search_expects_it() {
        assert_eq!(phone("7875550142"), "(787) 555-0142");
        assert_eq!(phone("0"), "0");
        assert_eq!(phone("teléfono"), "teléfono");
    }
}
