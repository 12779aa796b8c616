//! From bytes to fields: forms, JSON, envelopes, and what a page's script wraps around them.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::{Fields, Source, repair, words};
use crate::callback::{FieldError, ParseError};
use crate::util::text::shortened;

/// How deep the names of a form may nest: `response[data][items][0][name]` is 5.
const MAX_DEPTH: usize = 6;
/// Fields of a payment whose value never holds another payment, even where a merchant's or a customer's text is JSON.
const DESCRIPTIVE_FIELDS: [&str; 7] = ["data", "items", "metadata1", "metadata2", "name", "email", "message"];
/// The first key of list entries that come without a number (`items[][name]`): above every number that forms use.
const FIRST_UNNUMBERED: usize = 1_000_000;

impl Fields {
    pub(crate) fn parse(content_type: &str, body: &[u8]) -> Result<Self, ParseError> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = body.strip_prefix(repair::BYTE_ORDER_MARK).unwrap_or(body).trim_ascii();
        let value = match essence.as_str() {
            _ if body.is_empty() => return Err(ParseError::Empty),
            "application/json" => json(body)?,
            // Scripts post JSON under the content types that a browser sends by default.
            "" | "application/x-www-form-urlencoded" | "text/plain" => match disguised_json(body) {
                Some(text) => json(&text)?,
                None => form(body),
            },
            _ => return Err(ParseError::ContentType { found: shortened(content_type) }),
        };
        Self::of_message(value)
    }

    /// An answer of the provider's: the payment itself, out of its envelope `{"status": …, "data": {…}}` if it came in one.
    pub(crate) fn of_answer(value: Value) -> Result<Self, ParseError> {
        let fields = object(value)?;
        let data = fields.get("data").map(|data| {
            unwrapped(data).ok_or_else(|| FieldError::expected("data", "an object with the payment", data))
        });
        Ok(Self { values: data.transpose()?.unwrap_or(fields), source: Source::Answer })
    }

    /// The payment in a message: bare, in the provider's envelope, or in what a page's script made of either, such as
    /// `{"orderId": …, "response": {"status": …, "data": {…}}}`. Of several objects the one counts that names a payment.
    fn of_message(value: Value) -> Result<Self, ParseError> {
        let outer = object(value)?;
        let of = |values| Self { values, source: Source::Message };
        let data = outer.get("data");
        if data.is_none() && payment_score(&outer) == NAMES_A_PAYMENT {
            return Ok(of(outer));
        }
        let payment = data.and_then(unwrapped);
        let unreadable = data.filter(|data| payment.is_none() && !data.is_null());
        let unreadable = unreadable.map(|data| FieldError::expected("data", "an object with the payment", data));
        let wrapped =
            outer.iter().filter(|(name, _)| !DESCRIPTIVE_FIELDS.contains(&name.as_str())).filter_map(|(_, value)| {
                let inner = unwrapped(value)?;
                let payment = inner.get("data").and_then(unwrapped);
                Some(payment.into_iter().chain([inner]))
            });
        // What stands in `data` comes first: among objects of one score, the first counts.
        let candidates = payment.into_iter().chain([outer.clone()]).chain(wrapped.flatten());
        // `max_by_key` would take the last one of the highest score.
        let best =
            candidates.reduce(|best, other| if payment_score(&other) > payment_score(&best) { other } else { best });
        let fields = of(best.unwrap_or(outer));
        fields.or_left_out(unreadable.map_or(Ok(()), Err));
        Ok(fields)
    }
}

/// The highest [`payment_score`]: the object has an id.
const NAMES_A_PAYMENT: u8 = 2;

/// 2 for an object that names a payment, 1 for one that describes a payment, else 0.
fn payment_score(fields: &Map<String, Value>) -> u8 {
    let has = |names: &[&str]| {
        names.iter().filter_map(|name| fields.get(*name)).any(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty() && !words::is_nothing(text),
            _ => true,
        })
    };
    if has(&["ecommerceId", "referenceNumber"]) {
        NAMES_A_PAYMENT
    } else {
        u8::from(has(&["ecommerceStatus", "transactionType", "total", "metadata1"]))
    }
}

/// An object, also as a JSON text of one, or as the one entry of a list.
fn unwrapped(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields.clone()),
        Value::Array(list) => match &list[..] {
            [Value::Object(fields)] => Some(fields.clone()),
            _ => None,
        },
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => match repair::json(text.as_bytes()) {
            Ok(Value::String(_)) | Err(_) => None,
            Ok(value) => unwrapped(&value),
        },
        _ => None,
    }
}

fn object(value: Value) -> Result<Map<String, Value>, ParseError> {
    match value {
        Value::Object(fields) => Ok(fields),
        other => unwrapped(&other).ok_or(ParseError::NotAnObject { found: json_type(&other) }),
    }
}

fn json(body: &[u8]) -> Result<Value, ParseError> {
    repair::json(body).map_err(ParseError::Json)
}

/// JSON that says of itself that it is a form or a plain text; also escaped, as a form without a name escapes it.
fn disguised_json(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    match body {
        [b'{' | b'[' | b'"', ..] => Some(Cow::Borrowed(body)),
        [b'%', b'7', b'B' | b'b', ..] => {
            let body = body.strip_suffix(b"=").unwrap_or(body);
            Some(Cow::Owned(unescaped(body)))
        }
        _ => None,
    }
}

/// jQuery writes the fields of an inner object as `data[total]`, those of a list as `items[0][name]`; PHP leaves out the
/// numbers.
fn form(body: &[u8]) -> Value {
    let mut fields = Map::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (&pair[..equals], pair.get(equals + 1..).unwrap_or_default());
        let text = |escaped| repair::text(&unescaped(escaped)).into_owned();
        let name = text(name);
        let (outer, inner) = name.split_once('[').unwrap_or((&name, ""));
        let mut path = vec![outer];
        if let Some(inner) = inner.strip_suffix(']') {
            path.extend(inner.split("]["));
        }
        if path.len() <= MAX_DEPTH {
            insert_at(&mut fields, &path, text(value));
        }
    }
    Value::Object(fields)
}

fn unescaped(form: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = form.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

fn insert_at(fields: &mut Map<String, Value>, path: &[&str], value: String) {
    let Some((name, inner)) = path.split_first() else { return };
    let name = if name.is_empty() { Cow::Owned(unnumbered_entry(fields, inner)) } else { Cow::Borrowed(*name) };
    if inner.is_empty() {
        fields.insert(name.into_owned(), Value::String(value));
        return;
    }
    let entry = fields.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(fields) = entry {
        insert_at(fields, inner, value);
    }
}

/// The entry of a list that `items[][name]` means: the last one, or a new one if that has a name already.
fn unnumbered_entry(fields: &Map<String, Value>, inner: &[&str]) -> String {
    let next = FIRST_UNNUMBERED + fields.len();
    let last = (next - 1).to_string();
    let has_room = |entry: &Value| entry.as_object().is_some_and(|entry| !entry.contains_key(inner[0]));
    if !inner.is_empty() && fields.get(&last).is_some_and(has_room) { last } else { next.to_string() }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
