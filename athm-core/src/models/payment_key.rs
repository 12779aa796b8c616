//! What a payment is known by.

use std::fmt;
use std::str::FromStr;

use super::{EcommerceId, IdError, ReferenceNumber, Transaction};

/// What a message names a payment by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PaymentKey {
    Ecommerce(EcommerceId),
    Reference(ReferenceNumber),
}

impl fmt::Display for PaymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecommerce(id) => write!(f, "ecommerce:{id}"),
            Self::Reference(reference) => write!(f, "reference:{reference}"),
        }
    }
}

impl FromStr for PaymentKey {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once(':') {
            Some(("ecommerce", id)) => id.parse().map(Self::Ecommerce),
            Some(("reference", reference)) => reference.parse().map(Self::Reference),
            _ => text.parse().map(Self::Reference),
        }
    }
}

impl Transaction {
    /// Its ecommerceId, or else its reference number.
    pub(crate) fn key(&self) -> Option<PaymentKey> {
        let ecommerce_id = self.ecommerce_id.map(PaymentKey::Ecommerce);
        ecommerce_id.or_else(|| self.reference_number.clone().map(PaymentKey::Reference))
    }
}
