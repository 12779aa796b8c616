//! Numbers that the provider gives out.

use athm_core::{Amount, EcommerceId, ReferenceNumber};
use fastrand::Rng;
use uuid::Builder;

/// 2.25 % of the total, rounded half up, and at least six cents: a made-up tariff that gives what the provider's own
/// samples show for small payments. The real one is a matter between a business and its bank.
pub(super) fn fee_of(total: Amount) -> Amount {
    let ten_thousandths = total.cents().saturating_mul(225);
    Amount::from_cents((ten_thousandths.saturating_add(5_000) / 10_000).max(6))
}

/// `NNN-hex32`, as the provider's of today. (What is made here always parses.)
pub(super) fn reference(random: &mut Rng) -> Option<ReferenceNumber> {
    let (number, hex) = (random.u32(200_000_000..300_000_000), random.u128(..));
    format!("{number}-{hex:032x}").parse().ok()
}

/// The name of what has no ticket at the provider.
pub(super) fn ticket(random: &mut Rng) -> EcommerceId {
    Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid().into()
}

/// Three parts and two points, like the provider's JWTs; opaque, like them.
pub(super) fn auth_token(random: &mut Rng) -> String {
    let mut part = |length| -> String { std::iter::repeat_with(|| random.alphanumeric()).take(length).collect() };
    format!("{}.{}.{}", part(36), part(120), part(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fee_is_a_percentage_with_a_least() {
        let fee = |cents| fee_of(Amount::from_cents(cents)).cents();
        assert_eq!([fee(100), fee(266), fee(2_500), fee(150_000)], [6, 6, 56, 3_375]);
    }
}
