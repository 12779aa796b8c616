//! One payment of a checkout, from the intent to open it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::models::{EcommerceId, PhoneNumber, Transaction};

/// A payment that was opened for a checkout, or was to be.
#[derive(Debug, Clone)]
pub(crate) struct CheckoutAttempt {
    pub(crate) id: Uuid,
    /// From 1.
    pub(crate) number: u32,
    /// The provider's name of the payment, once it has answered.
    pub(crate) ecommerce_id: Option<EcommerceId>,
    /// The phone that is asked to approve.
    pub(crate) phone: Option<PhoneNumber>,
    /// Why it couldn't be opened: the provider's code; empty when it gave none.
    pub(crate) failure: Option<String>,
    pub(crate) opened_at: Timestamp,
    /// Whether the call that opens it may be under way.
    pub(crate) is_opening: bool,
    /// The payment as it is recorded.
    pub(crate) payment: Option<Transaction>,
}
