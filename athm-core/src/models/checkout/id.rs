//! The name of a checkout, which is also the right to pay it.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::models::IdError;

/// The name of a checkout: 128 random bits, written as 32 hexadecimal digits.
///
/// Who knows it may see the checkout, pay it and cancel it, so it is unguessable, and its `Debug` shows only the beginning.
///
/// ```
/// use athm_core::checkouts::CheckoutId;
///
/// let id: CheckoutId = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".parse()?;
/// assert_eq!(id.to_string(), "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
/// assert_eq!(format!("{id:?}"), "CheckoutId(0f1e2d3c…)");
/// assert!("7".parse::<CheckoutId>().is_err());
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckoutId(Uuid);

impl CheckoutId {
    /// Made of 16 random bytes.
    pub(crate) fn from_random(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// As the databases store it.
    pub(crate) fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl From<Uuid> for CheckoutId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for CheckoutId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // One spelling only: an address with dashes or capitals is none of ours.
        let is_plain = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let parsed = if is_plain { Uuid::parse_str(text).ok() } else { None };
        parsed.map(Self).ok_or_else(|| IdError::new("a checkout's id of 32 hexadecimal digits", "something else"))
    }
}

impl fmt::Display for CheckoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_simple(), f)
    }
}

impl fmt::Debug for CheckoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.to_string();
        write!(f, "CheckoutId({}…)", &digits[..8])
    }
}
