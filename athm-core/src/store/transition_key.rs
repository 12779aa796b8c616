//! The steps of a payment's life as a database keeps them.

use crate::models::{Amount, Refund, Transition};

/// What marks a step that two rows had both taken before they turned out to be one payment.
pub(super) const MERGED_SUFFIX: &str = "#";

/// The reverse of [`Transition::key`]. What a merge of two rows has found twice is marked, and the same step.
pub(super) fn transition(key: &str, refund_amount: Option<Amount>) -> Result<Transition, UnknownTransition> {
    let step = key.split_once(MERGED_SUFFIX).map_or(key, |(step, _)| step);
    let unknown = || UnknownTransition(key.to_owned());
    Ok(match step {
        "completed" => Transition::Completed,
        "cancelled" => Transition::Cancelled,
        "expired" => Transition::Expired,
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

/// A step that no athm has written.
#[derive(Debug, thiserror::Error)]
#[error("expected a transition, found {0:?}")]
pub(super) struct UnknownTransition(String);
