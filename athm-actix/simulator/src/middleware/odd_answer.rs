//! Rewrites correct answers into the unusual forms of [`Oddity`].

use serde_json::{Map, Value, json};

use crate::clock;
use crate::faults::Oddity;

/// Stands for the odd bytes until the answer is serialized: a character that no answer contains.
const MARK: char = '\u{e000}';
/// `ñ` in Latin-1, which is no UTF-8.
const LATIN_1: &[u8] = b"\xf1";
/// The first half of a surrogate pair.
const HALF_EMOJI: &[u8] = br"\ud83d";
/// The descriptive texts of an answer; the first that a transaction has is changed.
const TEXTS: [&str; 3] = ["businessName", "message", "name"];
/// The amounts of refunds, in all answers.
const REFUNDED: [&str; 3] = ["totalRefundedAmount", "totalRefundAmount", "refundedAmount"];

/// The body in the unusual form. A body without the parts concerned stays as it is.
pub(super) fn odd_body(oddity: Oddity, body: &[u8]) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    match oddity {
        Oddity::Latin1 | Oddity::HalfEmoji => for_each_object(&mut answer, &mut mark_text),
        Oddity::OffsetDate => for_each_object(&mut answer, &mut add_offset),
        Oddity::NegativeRefund => for_each_object(&mut answer, &mut negate_refund),
        Oddity::FractionalPrice => for_each_object(&mut answer, &mut add_fractional_item),
        Oddity::UnreadableNeighbour => answer = with_unreadable_neighbour(answer),
    }
    let body = answer.to_string();
    match oddity {
        Oddity::Latin1 => replace_mark(&body, LATIN_1),
        Oddity::HalfEmoji => replace_mark(&body, HALF_EMOJI),
        _ => body.into_bytes(),
    }
}

fn for_each_object(value: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| for_each_object(value, change)),
        Value::Object(object) => {
            object.values_mut().for_each(|value| for_each_object(value, change));
            change(object);
        }
        _ => {}
    }
}

fn mark_text(object: &mut Map<String, Value>) {
    // An item has a name, too, but isn't a transaction.
    if !object.contains_key("referenceNumber") {
        return;
    }
    if let Some(Value::String(text)) =
        TEXTS.into_iter().find(|name| object.contains_key(*name)).and_then(|name| object.get_mut(name))
    {
        text.push_str(" Ca");
        text.push(MARK);
    }
}

fn replace_mark(body: &str, bytes: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = body.split(MARK).map(str::as_bytes).collect();
    parts.join(bytes)
}

fn add_offset(object: &mut Map<String, Value>) {
    for name in ["transactionDate", "date"] {
        let Some(Value::String(date)) = object.get_mut(name) else { continue };
        if let Some(moment) = clock::read(date) {
            *date = moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        }
    }
}

fn negate_refund(object: &mut Map<String, Value>) {
    let kind = object.get("transactionType").and_then(Value::as_str).unwrap_or_default();
    let total = kind.eq_ignore_ascii_case("refund").then_some("total");
    for name in REFUNDED.into_iter().chain(total) {
        let Some(Value::Number(amount)) = object.get(name) else { continue };
        let negative = format!("-{amount}").parse().ok().filter(|_| amount.as_f64() != Some(0.0));
        if let Some(negative) = negative {
            object.insert(name.to_owned(), Value::Number(negative));
        }
    }
}

fn add_fractional_item(object: &mut Map<String, Value>) {
    if let Some(Value::Array(items)) = object.get_mut("items") {
        items.push(json!({
            "name": "Cheese", "description": "", "quantity": "0.75", "price": 10.583_333, "tax": 0.004,
            "metadata": null,
        }));
    }
}

fn with_unreadable_neighbour(answer: Value) -> Value {
    let is_transaction = |value: &Value| value.get("transactionType").is_some();
    let mut transactions = match answer {
        Value::Array(transactions) => transactions,
        transaction if is_transaction(&transaction) => vec![transaction],
        other => return other,
    };
    if let Some(mut neighbour) = transactions.first().cloned() {
        neighbour["referenceNumber"] = json!("100000001-00000000000000000000000000000001");
        neighbour["total"] = Value::Null;
        transactions.insert(0, neighbour);
    }
    Value::Array(transactions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(oddity: Oddity, answer: &Value) -> Vec<u8> {
        odd_body(oddity, answer.to_string().as_bytes())
    }

    fn odd_json(oddity: Oddity, answer: &Value) -> Value {
        serde_json::from_slice(&odd(oddity, answer)).unwrap()
    }

    #[test]
    fn a_text_is_cut_within_an_emoji_or_in_latin_1() {
        let answer =
            json!({ "data": { "businessName": "Tienda", "referenceNumber": "1", "items": [{ "name": "Pan" }] } });
        let latin_1 = odd(Oddity::Latin1, &answer);
        assert!(std::str::from_utf8(&latin_1).is_err());
        let half = String::from_utf8(odd(Oddity::HalfEmoji, &answer)).unwrap();
        assert!(half.contains(r#""Tienda Ca\ud83d""#) && half.contains(r#""Pan""#), "{half}");
        assert!(serde_json::from_str::<Value>(&half).is_err());
    }

    #[test]
    fn dates_have_an_offset_and_epochs_stay() {
        let answer = json!({ "transactionDate": "2026-03-04 15:06:07", "refund": { "date": "1772651167000" } });
        let expected = json!({ "transactionDate": "2026-03-04T19:06:07+00:00", "refund": { "date": "1772651167000" } });
        assert_eq!(odd_json(Oddity::OffsetDate, &answer), expected);
    }

    #[test]
    fn refunds_are_negative_and_payments_are_not() {
        let answer = json!([
            { "transactionType": "REFUND", "total": 6.25, "totalRefundedAmount": 0 },
            { "transactionType": "ECOMMERCE", "total": 31.75, "totalRefundedAmount": 6.25 },
        ]);
        let expected = json!([
            { "transactionType": "REFUND", "total": -6.25, "totalRefundedAmount": 0 },
            { "transactionType": "ECOMMERCE", "total": 31.75, "totalRefundedAmount": -6.25 },
        ]);
        assert_eq!(odd_json(Oddity::NegativeRefund, &answer), expected);
    }

    #[test]
    fn an_item_with_fractions_is_added() {
        let answer = odd_json(Oddity::FractionalPrice, &json!({ "data": { "items": [] } }));
        assert_eq!(answer["data"]["items"][0]["price"].to_string(), "10.583333");
    }

    #[test]
    fn a_transaction_without_a_total_comes_before_the_others() {
        let found = json!({ "transactionType": "ECOMMERCE", "referenceNumber": "1", "total": 5 });
        let answer = odd_json(Oddity::UnreadableNeighbour, &found);
        assert_eq!((&answer[0]["total"], &answer[1]), (&Value::Null, &found));
        let refusal = json!({ "errorCode": "5010" });
        assert_eq!(odd_json(Oddity::UnreadableNeighbour, &refusal), refusal);
    }
}
