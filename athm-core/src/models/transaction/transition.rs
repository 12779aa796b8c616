//! The transitions of a payment: each happens once.

use crate::models::{Refund, Signal, Status, Transaction, TransactionKind};

/// A change of a payment's state that fires signals. Each happens to a payment once, whichever source reports it first.
///
/// ```
/// use athm_core::Signal;
/// use athm_core::transactions::Transition;
///
/// assert_eq!(Transition::Completed.signals(), [Signal::Received, Signal::Completed]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transition {
    /// A checkout was paid.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// It was not approved in time.
    Expired,
    /// It was refunded, partly or fully.
    Refunded(Refund),
    /// A checkout that this program opened was paid with another total than the expected one. It becomes
    /// [`Completed`](Self::Completed) once that is [accepted](crate::Athm::accept_mismatch).
    Mismatched,
    /// An app payment or a donation was paid.
    Paid,
    /// It reached a status that athm doesn't know.
    Unknown(String),
}

impl Transition {
    /// The transition into the payment's state, if that has one.
    pub(crate) fn into(payment: &Transaction) -> Option<Self> {
        match &payment.status {
            Status::Open | Status::Confirmed => None,
            Status::Completed if payment.kind != TransactionKind::Ecommerce => Some(Self::Paid),
            Status::Completed if payment.is_mismatch() => Some(Self::Mismatched),
            Status::Completed => Some(Self::Completed),
            Status::Cancelled => Some(Self::Cancelled),
            Status::Expired => Some(Self::Expired),
            Status::Unknown(word) => Some(Self::Unknown(word.clone())),
        }
    }

    /// The signals that it fires, in their order.
    ///
    /// ```
    /// use athm_core::transactions::Transition;
    /// use athm_core::Signal;
    ///
    /// assert_eq!(Transition::Completed.signals(), [Signal::Received, Signal::Completed]);
    /// ```
    #[must_use]
    pub fn signals(&self) -> &'static [Signal] {
        match self {
            Self::Completed => &[Signal::Received, Signal::Completed],
            Self::Cancelled => &[Signal::Received, Signal::Cancelled],
            Self::Expired => &[Signal::Received, Signal::Expired],
            Self::Refunded(_) => &[Signal::Received, Signal::Refunded],
            Self::Mismatched | Self::Paid | Self::Unknown(_) => &[Signal::Received],
        }
    }

    /// The refund, if it is one.
    pub(crate) fn refund(&self) -> Option<&Refund> {
        match self {
            Self::Refunded(refund) => Some(refund),
            _ => None,
        }
    }

    /// Identifies the transition within one payment. Refunds differ by the total refunded amount after them.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Completed => "completed".to_owned(),
            Self::Cancelled => "cancelled".to_owned(),
            Self::Expired => "expired".to_owned(),
            Self::Refunded(refund) => format!("refunded:{}", refund.total_refunded),
            Self::Mismatched => "mismatched".to_owned(),
            Self::Paid => "paid".to_owned(),
            Self::Unknown(word) => format!("unknown:{word}"),
        }
    }
}

impl Transaction {
    /// The signals of the state that the payment is in: what a dispatch by hand fires.
    pub(crate) fn signals(&self) -> &'static [Signal] {
        Transition::into(self).map_or(&[], |transition| transition.signals())
    }
}
