//! Messages that aren't true.

use athm_core::{Amount, EcommerceId, Status};
use fastrand::Rng;
use uuid::Builder;

use crate::SimulatedPayment;

/// What somebody who knows the address might post about a payment.
pub(super) fn forged(payment: &SimulatedPayment, random: &mut Rng) -> SimulatedPayment {
    let mut forged = payment.clone();
    match random.u8(0..3) {
        // The opposite of what happened.
        0 if payment.status == Status::Completed => {
            forged.status = Status::Cancelled;
            forged.reference_number = None;
        }
        0 => forged.status = Status::Completed,
        // The same, for a dollar.
        1 => forged.total = Amount::from_cents(100),
        // A payment that there never was.
        _ => {
            let invented: EcommerceId = Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid().into();
            forged.ecommerce_id = invented;
            forged.status = Status::Completed;
            forged.reference_number = format!("{}-{:032x}", random.u32(..), random.u128(..)).parse().ok();
        }
    }
    forged
}
