//! Reads a payment from the `data` object of a find answer.

use std::time::Duration;

use athm_core::{Amount, Status, TransactionKind};
use jiff::Timestamp;

use crate::clock;
use crate::fields::{BadField, Fields};
use crate::payment::SimulatedPayment;

/// The total of a payment that states none.
const TOTAL: Amount = Amount::from_cents(100);

/// Reads a payment. Every field is optional; the spellings of search answers and webhooks are accepted, too.
pub(crate) fn from_json(fields: &Fields) -> Result<SimulatedPayment, BadField> {
    if fields.contains("data") {
        return Err(fields.bad("data", "left out: the body is the data object itself, without the envelope"));
    }
    let text = |names: &[&str]| fields.text(names);
    let amount = |names: &[&str]| fields.amount(names);

    let mut payment = SimulatedPayment::new(amount(&["total"])?.unwrap_or(TOTAL));
    if let Some(id) = fields.parsed(&["ecommerceId"], "a UUID")? {
        payment.ecommerce_id = id;
    }
    if let Some(word) = text(&["transactionType"])? {
        payment.kind = kind(&word);
    }
    if let Some(word) = text(&["ecommerceStatus", "status"])? {
        payment.status = status(&word);
    }
    payment.reference_number = fields.parsed(&["referenceNumber"], "1 to 64 characters without blanks")?;
    payment.daily_transaction_id = text(&["dailyTransactionId", "dailyTransactionID"])?;
    payment.date = date(fields)?;

    payment.subtotal = amount(&["subTotal", "subtotal"])?;
    payment.tax = amount(&["tax"])?.unwrap_or_default();
    payment.fee = amount(&["fee"])?;
    payment.net_amount = amount(&["netAmount"])?;
    payment.refunded_amount =
        amount(&["totalRefundedAmount", "totalRefundAmount", "refundedAmount"])?.unwrap_or_default();

    payment.metadata_1 = text(&["metadata1"])?.unwrap_or_default();
    payment.metadata_2 = text(&["metadata2"])?.unwrap_or_default();
    payment.items = fields.items()?;

    let customer = &mut payment.customer;
    customer.name = text(&["name"])?.or(customer.name.take());
    customer.phone = phone(fields)?.or(customer.phone.take());
    customer.email = text(&["email"])?.or(customer.email.take());
    customer.message = text(&["message"])?;

    payment.business_id = text(&["businessCustomerId"])?;
    payment.business_name = text(&["businessName"])?;
    payment.business_path = text(&["businessPath"])?;
    payment.industry = text(&["industry"])?;
    payment.non_profit = fields.flag("isNonProfit")?.unwrap_or_default();
    if let Some(seconds) = fields.whole(&["timeout"])? {
        payment.timeout = Duration::from_secs(seconds);
    }
    Ok(payment)
}

/// The digits of a phone number; the provider writes `0` where there is none.
pub(crate) fn phone(fields: &Fields) -> Result<Option<String>, BadField> {
    let Some(text) = fields.text(&["phoneNumber"])? else { return Ok(None) };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        10 => Ok(Some(digits)),
        _ if digits == "0" => Ok(None),
        _ => Err(fields.bad("phoneNumber", "ten digits")),
    }
}

fn date(fields: &Fields) -> Result<Option<Timestamp>, BadField> {
    for name in ["transactionDate", "date"] {
        if let Some(text) = fields.text(&[name])? {
            let moment = clock::read(&text);
            return moment.map(Some).ok_or_else(|| fields.bad(name, "a time such as 2026-03-01 18:04:59"));
        }
    }
    Ok(None)
}

fn kind(word: &str) -> TransactionKind {
    match word.to_ascii_lowercase().as_str() {
        "ecommerce" => TransactionKind::Ecommerce,
        "payment" => TransactionKind::Payment,
        "donation" => TransactionKind::Donation,
        "refund" => TransactionKind::Refund,
        "simulated" => TransactionKind::Simulated,
        _ => TransactionKind::Unknown(word.to_owned()),
    }
}

fn status(word: &str) -> Status {
    match word.to_ascii_lowercase().as_str() {
        "open" => Status::Open,
        "confirm" | "confirmed" => Status::Confirmed,
        "completed" => Status::Completed,
        "cancel" | "cancelled" => Status::Cancelled,
        "expired" => Status::Expired,
        _ => Status::Unknown(word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<SimulatedPayment, BadField> {
        from_json(&Fields::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn an_empty_object_is_an_open_checkout_of_a_dollar() {
        let payment = parse("{}").unwrap();
        assert_eq!((payment.status, payment.kind), (Status::Open, TransactionKind::Ecommerce));
        assert_eq!(payment.total, Amount::from_cents(100));
    }

    #[test]
    fn every_spelling_of_the_provider_is_accepted() {
        let payment = parse(
            r#"{"transactionType":"DONATION","status":"completed","date":"2026-03-01 18:04:59.0",
                "dailyTransactionID":35,
                "total":"12","subtotal":null,"tax":"","fee":0.2700000107288361,"phoneNumber":"(787) 555-0188",
                "referenceNumber":"77 "}"#,
        )
        .unwrap();
        assert_eq!((payment.status, payment.kind), (Status::Completed, TransactionKind::Donation));
        assert_eq!(payment.date, Some("2026-03-01T22:04:59Z".parse().unwrap()));
        assert_eq!(payment.daily_transaction_id.as_deref(), Some("35"));
        assert_eq!(payment.fee, Some(Amount::from_cents(27)));
        assert_eq!(payment.customer.phone.as_deref(), Some("7875550188"));
        assert_eq!(payment.reference_number.unwrap().as_str(), "77");
    }

    #[test]
    fn a_bad_field_is_named() {
        for (json, field) in [
            (r#"{"ecommerceId":"seven"}"#, "ecommerceId"),
            (r#"{"total":"seven"}"#, "total"),
            (r#"{"subtotal":{}}"#, "subtotal"),
            (r#"{"transactionDate":"yesterday"}"#, "transactionDate"),
            (r#"{"phoneNumber":"911"}"#, "phoneNumber"),
            (r#"{"referenceNumber":"a b"}"#, "referenceNumber"),
            (r#"{"items":"mugs"}"#, "items"),
            (r#"{"status":"success","data":{}}"#, "data"),
        ] {
            assert_eq!(parse(json).unwrap_err().name, field, "{json}");
        }
    }
}
