//! Identifiers that parse, so that none can be confused with another or hold what an identifier can't.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::util::text::shortened;

/// Why something is no identifier.
///
/// ```
/// use athm_core::ids::EcommerceId;
///
/// let error = "order-7".parse::<EcommerceId>().unwrap_err();
/// assert!(error.to_string().contains("order-7"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}{}", .found.as_ref().map(|found| format!(", found {found:?}")).unwrap_or_default())]
pub struct IdError {
    expected: &'static str,
    /// `None` where it may be personal.
    found: Option<String>,
}

impl IdError {
    pub(crate) fn new(expected: &'static str, found: &str) -> Self {
        Self { expected, found: Some(shortened(found)) }
    }

    /// Of a text that may be personal: the error doesn't repeat it.
    pub(crate) fn of_personal(expected: &'static str) -> Self {
        Self { expected, found: None }
    }

    /// What was expected.
    pub(crate) fn expected(&self) -> &'static str {
        self.expected
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The identifier as a UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError::new($expected, text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

macro_rules! own_id {
    ($($(#[$doc:meta])* $name:ident),*) => { $(
        uuid_id!($(#[$doc])* $name, "a UUID");

        impl $name {
            /// A new identifier, later in order than those made before it (UUID version 7).
            #[must_use]
            pub(crate) fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }
    )* };
}

uuid_id!(
    /// The provider's name for an e-commerce payment: `ecommerceId`, given when it is opened, before any money moves.
    ///
    /// ```
    /// use athm_core::ids::EcommerceId;
    ///
    /// let id: EcommerceId = "1F2A6C0E-8D4B-11EF-9C3A-0242AC120002".parse()?;
    /// assert_eq!(id.to_string(), "1f2a6c0e-8d4b-11ef-9c3a-0242ac120002");
    /// # Ok::<(), athm_core::errors::IdError>(())
    /// ```
    EcommerceId,
    "an ecommerceId (a UUID)"
);

own_id!(
    /// Our own name for one payment: the key of its row, whatever the provider calls it.
    TransactionId,
    /// The name of one event: one transition of one transaction.
    EventId,
    /// The name of one refund: our own, whatever the provider calls it.
    RefundId,
    /// The name of one delivery: one signal of one event, for one receiver. It is the delivery's idempotency key.
    DeliveryId,
    /// The name of one stored message.
    MessageId
);

/// The provider's name for one movement of money: `referenceNumber`, which exists once a payment is completed.
///
/// Two forms are known (`NNN-hex32` and bare hex), so any 1 to 64 printable ASCII characters without blanks are
/// taken. Blanks around it, which the provider's report leaves there, are trimmed.
///
/// ```
/// use athm_core::ids::ReferenceNumber;
///
/// let reference: ReferenceNumber = "402894d56b240610016b2e6c78a6003a ".parse()?;
/// assert_eq!(reference.as_str(), "402894d56b240610016b2e6c78a6003a");
/// assert!("".parse::<ReferenceNumber>().is_err());
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReferenceNumber(String);

impl ReferenceNumber {
    const MOST: usize = 64;

    /// The reference number as the provider wrote it, without blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReferenceNumber {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let trimmed = text.trim();
        let fits =
            !trimmed.is_empty() && trimmed.len() <= Self::MOST && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(IdError::new("a reference number (1 to 64 printable ASCII characters)", text))
        }
    }
}

impl TryFrom<String> for ReferenceNumber {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ReferenceNumber> for String {
    fn from(reference: ReferenceNumber) -> Self {
        reference.0
    }
}

impl fmt::Display for ReferenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ReferenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceNumber({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecommerce_id_is_a_uuid_in_any_case() {
        let id: EcommerceId = "AD42DF37-F989-11ED-8935-CD14E3558BC7".parse().unwrap();
        assert_eq!(id, "ad42df37-f989-11ed-8935-cd14e3558bc7".parse().unwrap());
        let error = "not-an-id".parse::<EcommerceId>().unwrap_err();
        assert_eq!(error.to_string(), "expected an ecommerceId (a UUID), found \"not-an-id\"");
    }

    #[test]
    fn a_reference_number_is_trimmed_and_bounded() {
        assert_eq!(" 12-ab ".parse::<ReferenceNumber>().unwrap().as_str(), "12-ab");
        for text in ["", "  ", "a b", "ab\n12", "número", &"x".repeat(65)] {
            assert!(text.parse::<ReferenceNumber>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn own_ids_grow() {
        let (first, second) = (EventId::new(), EventId::new());
        assert!(first < second);
    }
}
