//! The secret in the webhook's address.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The last part of the webhook's address, known only to you and ATH Móvil: `/athm/webhook/{secret}`.
///
/// ATH Móvil signs nothing. What it posts is never believed, secret or no secret; the secret keeps strangers from causing
/// lookups by webhook. By the callback's public address they still can.
///
/// A secret has 16 to 128 letters, digits, `-` or `_`, which need no escape in a path. It is compared in constant time, and
/// shown in no log.
///
/// ```
/// use athm_core::WebhookSecret;
///
/// let secret: WebhookSecret = "k3J9-vQ2m_T7xW4z".parse()?;
/// assert!(secret.matches("k3J9-vQ2m_T7xW4z"));
/// assert!(!secret.matches("k3J9-vQ2m_T7xW4"));
/// assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
/// # Ok::<(), athm_core::errors::WebhookSecretError>(())
/// ```
#[derive(Clone)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    const FEWEST: usize = 16;
    const MOST: usize = 128;

    /// Whether a request's last part is the secret. The time that it takes depends on the length alone.
    #[must_use]
    pub fn matches(&self, segment: &str) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(segment.as_bytes()).into()
    }
}

impl FromStr for WebhookSecret {
    type Err = WebhookSecretError;

    fn from_str(text: &str) -> Result<Self, WebhookSecretError> {
        let fits = (Self::FEWEST..=Self::MOST).contains(&text.len());
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if fits && is_plain { Ok(Self(text.into())) } else { Err(WebhookSecretError) }
    }
}

/// Without the secret.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// What can't be a [`WebhookSecret`]. It doesn't repeat what was given.
///
/// ```
/// use athm_core::WebhookSecret;
/// use athm_core::errors::WebhookSecretError;
///
/// assert_eq!("short".parse::<WebhookSecret>().unwrap_err(), WebhookSecretError);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is 16 to 128 letters, digits, - or _: take a UUID, or what `openssl rand -hex 16` says")]
pub struct WebhookSecretError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_escape_and_cannot_be_guessed_is_a_secret() {
        for text in ["0123456789abcdef", "1F2A6C0E-8D4B-11EF-9C3A-0242AC120002", &"x".repeat(128)] {
            assert!(text.parse::<WebhookSecret>().unwrap().matches(text), "{text}");
        }
        for text in
            ["", "0123456789abcde", "0123456789abcde/", "0123456789abcdé", "0123456789 abcdef", &"x".repeat(129)]
        {
            assert_eq!(text.parse::<WebhookSecret>().unwrap_err(), WebhookSecretError, "{text}");
        }
    }
}
