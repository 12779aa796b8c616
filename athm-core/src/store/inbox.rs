//! Messages that are kept: those that wait for the provider's word, and those that came to nothing.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Amount, EcommerceId, IdError, ReferenceNumber, Sender, Status, Transaction, TransactionKind};

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
    /// Its ticket, or else its movement of money.
    pub(crate) fn key(&self) -> Option<PaymentKey> {
        let ticket = self.ecommerce_id.map(PaymentKey::Ecommerce);
        ticket.or_else(|| self.reference_number.clone().map(PaymentKey::Reference))
    }
}

/// A message as the inbox keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) id: Uuid,
    pub(crate) held_as: HeldAs,
    pub(crate) key: Option<PaymentKey>,
    pub(crate) kind: Option<TransactionKind>,
    pub(crate) status: Option<Status>,
    /// What it claims has been given back, at least.
    pub(crate) refunded: Option<Amount>,
    /// Of a pending one: how many messages for the payment it stands for.
    pub(crate) version: i64,
    pub(crate) sender: Sender,
    /// The beginning of its body.
    pub(crate) body: String,
    pub(crate) received_at: Timestamp,
}

/// Why it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeldAs {
    /// The provider is asked again, then.
    Pending { attempts: u32, due_at: Timestamp },
    /// The provider says otherwise, or a check did.
    Refused { reason: String },
    /// It names no payment.
    Unmatched { reason: String },
}
