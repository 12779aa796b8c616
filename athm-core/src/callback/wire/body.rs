//! From bytes to fields: forms, JSON, envelopes.

use serde_json::{Map, Value};

use super::Fields;
use crate::callback::{FieldError, ParseError};
use crate::util::text::shortened;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How deep the names of a form may nest: `data[items][0][name]` is 4.
const DEEPEST: usize = 6;

impl Fields {
    pub(crate) fn parse(content_type: &str, body: &[u8]) -> Result<Self, ParseError> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            _ if body.trim_ascii().is_empty() => Err(ParseError::Empty),
            "application/json" => Self::from_json(body),
            "application/x-www-form-urlencoded" => Self::from_form(body),
            "" if body.trim_ascii_start().starts_with(b"{") => Self::from_json(body),
            "" => Self::from_form(body),
            _ => Err(ParseError::ContentType { found: shortened(content_type) }),
        }
    }

    pub(crate) fn from_json(body: &[u8]) -> Result<Self, ParseError> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        Self::from_value(serde_json::from_slice(body).map_err(ParseError::Json)?)
    }

    /// The payment itself, out of its envelope `{"status": …, "data": {…}}` if it came in one.
    pub(crate) fn from_value(value: Value) -> Result<Self, ParseError> {
        let Value::Object(mut fields) = value else {
            return Err(ParseError::NotAnObject { found: sort_of(&value) });
        };
        match fields.remove("data") {
            Some(Value::Object(data)) => Ok(Self(data)),
            Some(other) => Err(FieldError::expected("data", "an object with the payment", &other).into()),
            None => Ok(Self(fields)),
        }
    }

    /// jQuery writes the fields of an inner object as `data[total]`, those of a list as `items[0][name]`.
    fn from_form(body: &[u8]) -> Result<Self, ParseError> {
        let mut fields = Map::new();
        for (name, value) in form_urlencoded::parse(body) {
            let (outer, inner) = name.split_once('[').unwrap_or((&name, ""));
            let mut path = vec![outer];
            if let Some(inner) = inner.strip_suffix(']') {
                path.extend(inner.split("]["));
            }
            if path.len() <= DEEPEST {
                place(&mut fields, &path, value.into_owned());
            }
        }
        Self::from_value(Value::Object(fields))
    }
}

fn place(fields: &mut Map<String, Value>, path: &[&str], value: String) {
    match path {
        [] => {}
        [name] => {
            fields.insert((*name).to_owned(), Value::String(value));
        }
        [name, inner @ ..] => {
            let entry = fields.entry(*name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(fields) = entry {
                place(fields, inner, value);
            }
        }
    }
}

fn sort_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
