//! Who paid, as a receiver asks for it.

use super::{Context, FromContext, Rejection};
use crate::models::{Customer, Permanent, Signal};

/// The signals of money that moved: only the provider's word about money names a customer.
pub(super) const SIGNALS: &[Signal] = &[Signal::Completed, Signal::Refunded];

impl<'a> FromContext<'a> for &'a Customer {
    const SIGNALS: &'static [Signal] = SIGNALS;
    const WAITS_FOR_CUSTOMER: bool = true;

    /// The delivery has waited. Where the provider hasn't named the customer by now, no further attempt helps.
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        const BY_HAND: &str = "the dispatched transaction names no customer, and a dispatch by hand waits for none";
        const UNKNOWN: &str = "the provider hasn't named the customer within half a day; a replay asks again";

        let reason = if context.signal_context.delivery.is_some() { UNKNOWN } else { BY_HAND };
        let customer = context.transaction().customer.as_ref();
        customer.ok_or_else(|| Rejection::new(reason).caused_by(Permanent::MARK))
    }
}
