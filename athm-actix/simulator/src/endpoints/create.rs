//! A payment is opened.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use athm_core::Amount;
use serde_json::Value;

use super::Refusal;
use super::tokens::with_public_token;
use crate::answers::{Created, Success};
use crate::call::Call;
use crate::fields::Fields;
use crate::shared::Shared;
use crate::{Phone, SimulatedPayment, seed};

const LEAST: Amount = Amount::from_cents(100);
const MOST: Amount = Amount::from_cents(150_000);
const METADATA_MOST: usize = 40;
const TIMEOUT: std::ops::RangeInclusive<u64> = 120..=600;

pub(super) async fn create(shared: web::Data<Shared>, call: Call, body: web::Bytes) -> Result<HttpResponse, Refusal> {
    let payment = payment(&with_public_token(&shared, &body)?)?;
    let mut ledger = shared.ledger();
    // What has no effect has no name; its caller hears something else anyway.
    let id = ledger.open(payment, call.effect).ok_or_else(Refusal::internal)?;
    call.is_about(&shared, id);
    let entry = ledger.entry(&id).ok_or_else(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(Success::new(Created::new(entry))))
}

fn payment(fields: &Fields) -> Result<SimulatedPayment, Refusal> {
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

/// Ten digits of a phone that can be sent a payment.
pub(super) fn phone(fields: &Fields) -> Result<Option<String>, Refusal> {
    let number = seed::phone(fields)?;
    if number.as_deref() == Some(Phone::Blocked.number()) { Err(Refusal::blocked()) } else { Ok(number) }
}

fn total(fields: &Fields) -> Result<Amount, Refusal> {
    required(fields, "total")?;
    match fields.amount(&["total"])?.unwrap_or_default() {
        Amount::ZERO => Err(Refusal::zero()),
        total if total < LEAST => Err(Refusal::below_minimum()),
        total if total > MOST => Err(Refusal::above_maximum()),
        total => Ok(total),
    }
}

fn metadata(fields: &Fields, name: &str) -> Result<String, Refusal> {
    required(fields, name)?;
    let text = fields.text(&[name])?.unwrap_or_default();
    if text.chars().count() > METADATA_MOST { Err(Refusal::metadata(name)) } else { Ok(text) }
}

fn timeout(fields: &Fields) -> Result<Duration, Refusal> {
    let seconds = fields.whole(&["timeout"])?.unwrap_or(*TIMEOUT.end());
    if TIMEOUT.contains(&seconds) { Ok(Duration::from_secs(seconds)) } else { Err(Refusal::timeout()) }
}

/// The provider tells what isn't there from what is blank.
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
        payment(&fields).unwrap_err().to_string().split(':').next().unwrap().to_owned()
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
    fn limits_and_spellings_of_the_provider_are_taken() {
        for (total, timeout) in [("1", "\"120\""), ("\"1500.00\"", "600"), ("25.5", "null")] {
            let json = format!(r#"{{"total":{total},"metadata1":"a","metadata2":"b","timeout":{timeout}}}"#);
            assert!(payment(&Fields::parse(json.as_bytes()).unwrap()).is_ok(), "{json}");
        }
    }
}
