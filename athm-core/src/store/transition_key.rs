//! Transitions, as they are stored.

use crate::models::{Amount, Refund, Transition};

/// What follows the key of a transition that two rows have fired before they turned out to be one payment.
pub(super) const MERGED_SUFFIX: &str = "#";

/// The reverse of [`Transition::key`]. A key with [`MERGED_SUFFIX`] is the same transition.
pub(super) fn transition(key: &str, refund_amount: Option<Amount>) -> Result<Transition, UnknownTransition> {
    let plain = key.split_once(MERGED_SUFFIX).map_or(key, |(plain, _)| plain);
    let unknown = || UnknownTransition(key.to_owned());
    Ok(match plain {
        "completed" => Transition::Completed,
        "cancelled" => Transition::Cancelled,
        "expired" => Transition::Expired,
        "mismatched" => Transition::Mismatched,
        "paid" => Transition::Paid,
        other => match other.split_once(':').ok_or_else(unknown)? {
            ("unknown", word) => Transition::Unknown(word.to_owned()),
            ("refunded", total) => Transition::Refunded(Refund {
                amount: refund_amount.ok_or_else(unknown)?,
                total_refunded: total.parse().map_err(|_| unknown())?,
            }),
            _ => return Err(unknown()),
        },
    })
}

/// A key that no version of athm writes.
#[derive(Debug, thiserror::Error)]
#[error("expected a transition, found {0:?}")]
pub(super) struct UnknownTransition(String);
