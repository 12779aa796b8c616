//! Amounts in the provider's JSON.

use athm_core::Amount;
use serde_json::Number;

/// Whole dollars as an integer, cents as a decimal fraction: the provider mixes both.
pub(crate) fn as_number(amount: Amount) -> Number {
    let (cents, text) = (amount.cents(), amount.to_string());
    if cents % 100 == 0 {
        return Number::from(cents / 100);
    }
    text.parse().ok().and_then(Number::from_f64).unwrap_or_else(|| Number::from(cents / 100))
}

/// The amount with the rounding error of a 32-bit float, as in the provider's fees: 0.60 is `0.6000000238418579`.
pub(crate) fn as_single_float(amount: Amount) -> Number {
    let float = amount.to_string().parse::<f32>().ok();
    float.and_then(|float| Number::from_f64(float.into())).unwrap_or_else(|| as_number(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_numbers_and_fees_are_noisy_ones() {
        let text = |number: Number| number.to_string();
        assert_eq!(text(as_number(Amount::from_cents(2500))), "25");
        assert_eq!(text(as_number(Amount::from_cents(2786))), "27.86");
        assert_eq!(text(as_number(Amount::from_cents(150))), "1.5");
        assert_eq!(text(as_single_float(Amount::from_cents(60))), "0.6000000238418579");
        assert_eq!(text(as_single_float(Amount::ZERO)), "0.0");
    }
}
