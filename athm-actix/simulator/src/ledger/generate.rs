//! Values that the provider generates.

use athm_core::Amount;
use athm_core::ids::{EcommerceId, ReferenceNumber};
use fastrand::Rng;
use uuid::Builder;

/// 2.25 % of the total, rounded half up, at least 0.06: an invented tariff that matches the provider's samples of small
/// payments. Each business has a tariff of its own.
pub(super) fn fee_of(total: Amount) -> Amount {
    let ten_thousandths = total.cents().saturating_mul(225);
    Amount::from_cents((ten_thousandths.saturating_add(5_000) / 10_000).max(6))
}

/// `NNN-hex32`, the provider's current format. `None` never happens: the format always parses.
pub(super) fn reference(random: &mut Rng) -> Option<ReferenceNumber> {
    let (number, hex) = (random.u32(200_000_000..300_000_000), random.u128(..));
    format!("{number}-{hex:032x}").parse().ok()
}

/// An `ecommerceId`; also the internal id of movements that have none at the provider.
pub(super) fn ecommerce_id(random: &mut Rng) -> EcommerceId {
    Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid().into()
}

/// Opaque, with the three parts of the provider's JWTs.
pub(super) fn auth_token(random: &mut Rng) -> String {
    let mut part = |length| -> String { std::iter::repeat_with(|| random.alphanumeric()).take(length).collect() };
    format!("{}.{}.{}", part(36), part(120), part(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fee_is_a_percentage_with_a_minimum() {
        let fee = |cents| fee_of(Amount::from_cents(cents)).cents();
        assert_eq!([fee(100), fee(266), fee(2_500), fee(150_000)], [6, 6, 56, 3_375]);
    }
}
