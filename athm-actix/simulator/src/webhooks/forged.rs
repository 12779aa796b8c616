//! Forged webhooks.

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Status};
use fastrand::Rng;
use uuid::Builder;

use crate::payment::SimulatedPayment;

/// A webhook that an attacker who knows the URL might post about a payment.
pub(super) fn forged(payment: &SimulatedPayment, random: &mut Rng) -> SimulatedPayment {
    let mut forged = payment.clone();
    match random.u8(0..3) {
        // The opposite status.
        0 if payment.status == Status::Completed => {
            forged.status = Status::Cancelled;
            forged.reference_number = None;
        }
        0 => forged.status = Status::Completed,
        // Another total.
        1 => forged.total = Amount::from_cents(100),
        // A payment that doesn't exist.
        _ => {
            let invented: EcommerceId = Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid().into();
            forged.ecommerce_id = invented;
            forged.status = Status::Completed;
            forged.reference_number = format!("{}-{:032x}", random.u32(..), random.u128(..)).parse().ok();
        }
    }
    forged
}
