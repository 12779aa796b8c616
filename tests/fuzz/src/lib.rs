//! A message in the provider's spellings: names of fields, words, envelopes, forms, and amounts that are numbers.

use athm_core::Message;
use serde_json::{Map, Value, json};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain;charset=UTF-8";
const FORM: &str = "application/x-www-form-urlencoded";

/// Each with its name and its content type.
pub fn spellings(message: &Message) -> Vec<(&'static str, &'static str, String)> {
    let today = match serde_json::to_value(message) {
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
    let offset = dated(&today, |date| format!("{}-04:00", date.replacen(' ', "T", 1)));
    let slashes = dated(&today, |date| date.replace('-', "/"));
    let mut spellings = vec![
        ("today's webhook", JSON, Value::from(today.clone()).to_string()),
        ("a byte order mark", JSON, format!("\u{feff}{}", Value::from(today.clone()))),
        ("the webhook of 2020", JSON, Value::from(of_2020).to_string()),
        ("flat, in lower case", JSON, Value::from(with_words(flat, str::to_lowercase)).to_string()),
        ("mixed case", JSON, Value::from(with_words(today.clone(), capitalised)).to_string()),
        ("the envelope of version 4", JSON, envelope.to_string()),
        ("a form, items as JSON", FORM, message.to_form()),
        ("a form, items in brackets", FORM, bracketed("", &Value::from(today.clone()))),
        ("the envelope as a form", FORM, bracketed("", &envelope)),
        ("a form, items in brackets without numbers", FORM, unnumbered(&bracketed("", &Value::from(today.clone())))),
        ("JSON under a form's type", FORM, envelope.to_string()),
        ("JSON as a text", TEXT, Value::from(today.clone()).to_string()),
        ("a list of one", JSON, json!([today]).to_string()),
        (
            "the data as a JSON text",
            JSON,
            json!({ "status": "success", "data": envelope["data"].to_string() }).to_string(),
        ),
        ("a date with an offset", JSON, Value::from(offset).to_string()),
        ("a date with slashes", JSON, Value::from(slashes).to_string()),
        ("missing values as words", JSON, Value::from(with_nothing(&today)).to_string()),
    ];
    if message.ecommerce_id().is_some() || message.reference_number().is_some() {
        let wrapped = json!({ "orderId": "o-1", "response": envelope });
        spellings.push(("wrapped by the page", JSON, wrapped.to_string()));
        spellings.push(("wrapped by the page, as a form", FORM, bracketed("", &wrapped)));
    }
    spellings
}

fn dated(fields: &Map<String, Value>, spell: impl Fn(&str) -> String) -> Map<String, Value> {
    let mut fields = fields.clone();
    if let Some(Value::String(date)) = fields.get_mut("transactionDate") {
        *date = spell(date);
    }
    fields
}

/// With a word for nothing in each field that isn't there, and may have one.
fn with_nothing(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = fields.clone();
    let words = ["null", "undefined", "N/A", "none"].iter().cycle();
    let names = [
        "ecommerceId",
        "referenceNumber",
        "dailyTransactionId",
        "transactionDate",
        "total",
        "tax",
        "phoneNumber",
        "email",
    ];
    for (name, word) in names.into_iter().zip(words) {
        fields.entry(name).or_insert_with(|| json!(word));
    }
    fields
}

/// `items[0][name]=…` as `items[][name]=…`.
fn unnumbered(form: &str) -> String {
    let pairs = form.split('&').map(|pair| match pair.strip_prefix("items[").and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => format!("items[]{rest}"),
        None => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn renamed(fields: &Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    let name =
        |name: &String| names.iter().find(|(from, _)| from == name).map_or(name.clone(), |(_, to)| (*to).to_owned());
    fields.iter().map(|(field, value)| (name(field), value.clone())).collect()
}

/// Words that the provider knows, in another case. A word that is unknown in its field is kept as it is written.
fn with_words(mut fields: Map<String, Value>, spell: impl Fn(&str) -> String) -> Map<String, Value> {
    let known: [(&str, &[&str]); 2] = [
        ("status", &["OPEN", "CONFIRM", "COMPLETED", "CANCEL", "EXPIRED"]),
        ("transactionType", &["ECOMMERCE", "PAYMENT", "DONATION", "REFUND", "SIMULATED"]),
    ];
    for (name, words) in known {
        if let Some(Value::String(word)) = fields.get_mut(name)
            && words.contains(&word.as_str())
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
