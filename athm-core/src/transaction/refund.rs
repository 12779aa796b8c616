//! Money given back.

use crate::Amount;

/// One refund of a payment: an increase of what the provider says has been given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refund {
    /// What was given back this time.
    pub amount: Amount,
    /// What has been given back in all, this refund included.
    pub total_refunded: Amount,
}
