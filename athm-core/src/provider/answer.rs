//! From an HTTP response to the provider's word.

use reqwest::Response;
use serde_json::Value;

use super::error::FORBIDDEN;
use super::{ErrorCode, ProviderError};
use crate::callback::wire::repair;
use crate::util::text::shortened;

/// More than any answer of a single payment; a longer one isn't read to its end.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The JSON of an answer that isn't a refusal: the envelope, or whatever bare value the endpoint gives.
pub(super) async fn read(response: Response, max_bytes: usize) -> Result<Value, ProviderError> {
    let status = response.status().as_u16();
    let body = whole(response, max_bytes).await?.ok_or(ProviderError::NoJson { status })?;
    parsed(&body, status)
}

fn parsed(body: &[u8], status: u16) -> Result<Value, ProviderError> {
    let value = repair::json(body).map_err(|_| match status {
        FORBIDDEN => ProviderError::Blocked,
        status => ProviderError::NoJson { status },
    })?;
    match refusal(&value, status) {
        Some(refusal) => Err(refusal),
        None if (200..300).contains(&status) => Ok(value),
        None => Err(ProviderError::Rejected {
            code: ErrorCode::Unknown(String::new()),
            message: String::from("(no message)"),
            status,
        }),
    }
}

async fn whole(mut response: Response, max_bytes: usize) -> Result<Option<Vec<u8>>, ProviderError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ProviderError::BrokenOff)? {
        body.extend_from_slice(&chunk);
        if body.len() > max_bytes {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

/// `{"status":"error","errorcode":…,"message":…}`, or the legacy `{"errorCode":…,"description":…}`; HTTP 200 included.
fn refusal(value: &Value, status: u16) -> Option<ProviderError> {
    let fields = value.as_object()?;
    let text = |names: [&str; 2]| {
        names.iter().find_map(|name| fields.get(*name)).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    // `"0000"` is no error.
    let code = text(["errorcode", "errorCode"]).filter(|code| code != "null" && code.bytes().any(|byte| byte != b'0'));
    let is_error =
        fields.get("status").and_then(Value::as_str).is_some_and(|status| status.eq_ignore_ascii_case("error"));
    if code.is_none() && !is_error {
        return None;
    }
    let message = text(["message", "description"]).unwrap_or_default();
    let code = shortened(&code.unwrap_or_default()).parse().unwrap_or_else(|never| match never {});
    Some(ProviderError::Rejected { code, message: shortened(&message), status })
}

/// Reads bytes as the answer of every call, one after another.
#[cfg(fuzzing)]
pub fn read_as_every_answer(status: u16, body: &[u8]) {
    use crate::callback::wire::Fields;

    let Ok(value) = parsed(body, status) else { return };
    let entries = value.as_array().cloned().unwrap_or_else(|| vec![value]);
    for fields in entries.into_iter().filter_map(|entry| Fields::of_answer(entry).ok()) {
        let _ = fields.answer(jiff::Timestamp::UNIX_EPOCH).map(|payment| payment.status().clone());
        let _ = (fields.refund(), fields.total_refunded(), fields.text(&["ecommerceId"]));
    }
}
