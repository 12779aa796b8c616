//! Checks tokens.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::clock;
use crate::fields::Fields;
use crate::ledger::{Entry, Ledger};
use crate::refusal::{LegacyRefusal, Refusal};
use crate::shared::{Settings, Shared};

/// The object in the body, if its public token is accepted.
pub(super) fn with_public_token(shared: &Shared, body: &[u8]) -> Result<Fields, Refusal> {
    let fields = super::object(body)?;
    let token = fields.text(&["publicToken"])?;
    if accepts(shared.settings().public_token.as_deref(), token.as_deref()) {
        Ok(fields)
    } else {
        Err(Refusal::token())
    }
}

/// The object in the body, if both of its tokens are accepted.
pub(super) fn with_both_tokens(shared: &Shared, body: &[u8]) -> Result<Fields, Refusal> {
    let fields = with_public_token(shared, body)?;
    let token = fields.text(&["privateToken"])?;
    if accepts(shared.settings().private_token.as_deref(), token.as_deref()) {
        Ok(fields)
    } else {
        Err(Refusal::token())
    }
}

/// The same for the legacy endpoints, which have error codes of their own.
pub(super) fn with_both_tokens_legacy(shared: &Shared, body: &[u8]) -> Result<Fields, LegacyRefusal> {
    let fields = Fields::parse(body).ok_or(LegacyRefusal::PUBLIC_TOKEN_REQUIRED)?;
    let Settings { public_token, private_token, .. } = shared.settings();
    let text = |name| fields.text(&[name]).ok().flatten();
    let public = text("publicToken").ok_or(LegacyRefusal::PUBLIC_TOKEN_REQUIRED)?;
    if !accepts(public_token.as_deref(), Some(&public)) {
        return Err(LegacyRefusal::PUBLIC_TOKEN_INVALID);
    }
    let private = text("privateToken").ok_or(LegacyRefusal::PRIVATE_TOKEN_REQUIRED)?;
    if !accepts(private_token.as_deref(), Some(&private)) {
        return Err(LegacyRefusal::PRIVATE_TOKEN_INVALID);
    }
    Ok(fields)
}

/// The payment whose `auth_token` the header carries, unless the token has expired.
pub(super) fn payment_of_bearer<'l>(ledger: &'l mut Ledger, headers: &HeaderMap) -> Result<&'l Entry, Refusal> {
    let token = bearer(headers).ok_or_else(Refusal::header)?;
    let now = ledger.now();
    let entry = ledger.entry_by_token(token).ok_or_else(Refusal::header)?;
    if now >= entry.token_expires_at {
        let expired_at = clock::local(entry.token_expires_at).strftime("%a %b %d %H:%M:%S AST %Y");
        return Err(Refusal::expired(expired_at));
    }
    Ok(entry)
}

/// Whether a token is accepted: the expected one, or any if none is configured.
fn accepts(expected: Option<&str>, token: Option<&str>) -> bool {
    token.is_some() && (expected.is_none() || expected == token)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
