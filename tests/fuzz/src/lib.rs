//! A message in the provider's spellings: names of fields, words, envelopes, forms, and amounts that are numbers.

use athm_core::Message;
use serde_json::{Map, Value, json};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Each with its name and its content type.
pub fn spellings(callback: &Message) -> Vec<(&'static str, &'static str, String)> {
    let today = match serde_json::to_value(callback) {
        Ok(Value::Object(fields)) => fields,
        other => panic!("a message is an object: {other:?}"),
    };
    let of_2020 = renamed(&today, &[("transactionDate", "date"), ("totalRefundedAmount", "totalRefundAmount")]);
    let flat = renamed(
        &today,
        &[
            ("subTotal", "subtotal"),
            ("dailyTransactionId", "dailyTransactionID"),
            ("totalRefundedAmount", "refundedAmount"),
        ],
    );
    let envelope = json!({ "status": "success", "data": renamed(&today, &[("status", "ecommerceStatus")]) });
    vec![
        ("today's webhook", JSON, Value::from(today.clone()).to_string()),
        ("a byte order mark", JSON, format!("\u{feff}{}", Value::from(today.clone()))),
        ("the webhook of 2020", JSON, Value::from(of_2020).to_string()),
        ("flat, in lower case", JSON, Value::from(with_words(flat, str::to_lowercase)).to_string()),
        ("mixed case", JSON, Value::from(with_words(today.clone(), capitalised)).to_string()),
        ("the envelope of version 4", JSON, envelope.to_string()),
        ("a form, items as JSON", FORM, callback.to_form()),
        ("a form, items in brackets", FORM, bracketed("", &Value::from(today))),
        ("the envelope as a form", FORM, bracketed("", &envelope)),
    ]
}

fn renamed(fields: &Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    let name =
        |name: &String| names.iter().find(|(from, _)| from == name).map_or(name.clone(), |(_, to)| (*to).to_owned());
    fields.iter().map(|(field, value)| (name(field), value.clone())).collect()
}

/// Words that the provider knows, in another case. An unknown word is kept as it is written.
fn with_words(mut fields: Map<String, Value>, spell: impl Fn(&str) -> String) -> Map<String, Value> {
    const KNOWN: [&str; 10] = [
        "OPEN",
        "CONFIRM",
        "COMPLETED",
        "CANCEL",
        "EXPIRED",
        "ECOMMERCE",
        "PAYMENT",
        "DONATION",
        "REFUND",
        "SIMULATED",
    ];
    for name in ["status", "transactionType"] {
        if let Some(Value::String(word)) = fields.get_mut(name)
            && KNOWN.contains(&word.as_str())
        {
            *word = spell(word);
        }
    }
    fields
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{first}{}", rest.to_lowercase())
}

/// As jQuery writes an object: `data[items][0][name]=…`.
fn bracketed(prefix: &str, value: &Value) -> String {
    let within = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}[{name}]") };
    let pairs: Vec<String> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| bracketed(&within(name), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(n, value)| bracketed(&within(&n.to_string()), value)).collect()
        }
        Value::Null => vec![format!("{prefix}=")],
        Value::String(text) => vec![format!("{prefix}={}", escaped(text))],
        other => vec![format!("{prefix}={}", escaped(&other.to_string()))],
    };
    pairs.join("&")
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}
