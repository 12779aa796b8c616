//! Opens a payment.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use athm_core::Amount;
use serde_json::Value;

use super::tokens::with_public_token;
use crate::answers::{Created, Success};
use crate::fields::Fields;
use crate::payment::{self, SimulatedPayment};
use crate::phone::TestPhone;
use crate::refusal::Refusal;
use crate::request::ApiRequest;
use crate::shared::Shared;

const MIN_TOTAL: Amount = Amount::from_cents(100);
const MAX_TOTAL: Amount = Amount::from_cents(150_000);
const MAX_METADATA: usize = 40;
const TIMEOUT: std::ops::RangeInclusive<u64> = 120..=600;

pub(super) async fn create(
    shared: web::Data<Shared>,
    request: ApiRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Refusal> {
    let mut payment = read(&with_public_token(&shared, &body)?)?;
    if let Some(total) = request.other_total() {
        payment = payment.total(total);
    }
    let mut ledger = shared.ledger();
    // Without effect there is no payment; the fault replaces this answer.
    let id = ledger.open(payment, request.effect()).ok_or_else(Refusal::internal)?;
    request.log_payment(&shared, id);
    let entry = ledger.entry(&id).ok_or_else(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(Success::new(Created::new(entry))))
}

fn read(fields: &Fields) -> Result<SimulatedPayment, Refusal> {
    let mut payment = SimulatedPayment::new(total(fields)?);
    payment.subtotal = fields.amount(&["subtotal", "subTotal"])?;
    payment.tax = fields.amount(&["tax"])?.unwrap_or_default();
    payment.metadata_1 = metadata(fields, "metadata1")?;
    payment.metadata_2 = metadata(fields, "metadata2")?;
    payment.items = fields.items()?;
    payment.timeout = timeout(fields)?;
    payment.customer.phone = phone(fields)?.or(payment.customer.phone);
    Ok(payment)
}

/// The phone's ten digits, unless it refuses payments.
pub(super) fn phone(fields: &Fields) -> Result<Option<String>, Refusal> {
    let number = payment::phone(fields)?;
    if number.as_deref() == Some(TestPhone::Blocked.number()) { Err(Refusal::blocked()) } else { Ok(number) }
}

fn total(fields: &Fields) -> Result<Amount, Refusal> {
    required(fields, "total")?;
    match fields.amount(&["total"])?.unwrap_or_default() {
        Amount::ZERO => Err(Refusal::zero()),
        total if total < MIN_TOTAL => Err(Refusal::below_minimum()),
        total if total > MAX_TOTAL => Err(Refusal::above_maximum()),
        total => Ok(total),
    }
}

fn metadata(fields: &Fields, name: &str) -> Result<String, Refusal> {
    required(fields, name)?;
    let text = fields.text(&[name])?.unwrap_or_default();
    if text.chars().count() > MAX_METADATA { Err(Refusal::metadata(name)) } else { Ok(text) }
}

fn timeout(fields: &Fields) -> Result<Duration, Refusal> {
    let seconds = fields.whole(&["timeout"])?.unwrap_or(*TIMEOUT.end());
    if TIMEOUT.contains(&seconds) { Ok(Duration::from_secs(seconds)) } else { Err(Refusal::timeout()) }
}

/// The provider distinguishes absent fields from blank ones.
pub(super) fn required(fields: &Fields, name: &str) -> Result<(), Refusal> {
    match fields.raw(name) {
        None | Some(Value::Null) => Err(Refusal::null(name)),
        Some(Value::String(text)) if text.trim().is_empty() => Err(Refusal::blank(name)),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let fields = Fields::parse(json.as_bytes()).unwrap();
        read(&fields).unwrap_err().to_string().split(':').next().unwrap().to_owned()
    }

    #[test]
    fn each_rule_has_its_code() {
        for (total, code) in [
            ("null", "BTRA_0019"),
            (r#""""#, "BTRA_0018"),
            ("0", "BTRA_0013"),
            ("0.99", "BTRA_0001"),
            ("1500.01", "BTRA_0004"),
            (r#""ten""#, "BTRA_0006"),
        ] {
            let json = format!(r#"{{"total":{total},"metadata1":"a","metadata2":"b"}}"#);
            assert_eq!(refused(&json), code, "{json}");
        }
        assert_eq!(refused(r#"{"total":1,"metadata2":"b"}"#), "BTRA_0019");
        assert_eq!(refused(r#"{"total":1,"metadata1":"a","metadata2":" "}"#), "BTRA_0018");
        let long = "ñ".repeat(41);
        assert_eq!(refused(&format!(r#"{{"total":1,"metadata1":"{long}","metadata2":"b"}}"#)), "BTRA_0038");
        for timeout in [119, 601] {
            let json = format!(r#"{{"total":1,"metadata1":"a","metadata2":"b","timeout":{timeout}}}"#);
            assert_eq!(refused(&json), "BTRA_0020", "{json}");
        }
    }

    #[test]
    fn limits_and_spellings_of_the_provider_are_accepted() {
        for (total, timeout) in [("1", "\"120\""), ("\"1500.00\"", "600"), ("25.5", "null")] {
            let json = format!(r#"{{"total":{total},"metadata1":"a","metadata2":"b","timeout":{timeout}}}"#);
            assert!(read(&Fields::parse(json.as_bytes()).unwrap()).is_ok(), "{json}");
        }
    }
}
