//! Money given back.

use jiff::Timestamp;

use crate::{Amount, ReferenceNumber};

/// One refund of a payment: an increase of what the provider says has been given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refund {
    /// What was given back this time.
    pub amount: Amount,
    /// What has been given back in all, this refund included.
    pub total_refunded: Amount,
}

/// What tells one refund from another, where the provider tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundDetail {
    pub(crate) amount: Amount,
    /// Its own, or the payment's: both are seen.
    pub(crate) reference_number: Option<ReferenceNumber>,
    pub(crate) daily_transaction_id: Option<String>,
    pub(crate) date: Option<Timestamp>,
}
