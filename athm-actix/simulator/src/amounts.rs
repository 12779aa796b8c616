//! Amounts in the provider's JSON.

use athm_core::{Amount, Item};
use serde_json::Number;

/// Whole dollars as an integer, cents as a decimal fraction: the provider mixes both.
pub(crate) fn as_number(amount: Amount) -> Number {
    let (cents, text) = (amount.cents(), amount.to_string());
    if cents % 100 == 0 {
        return Number::from(cents / 100);
    }
    text.parse().ok().and_then(Number::from_f64).unwrap_or_else(|| Number::from(cents / 100))
}

/// A quantity as a number: what is sold by weight has a fraction.
pub(crate) fn quantity(item: &Item) -> Number {
    item.quantity.to_string().parse().unwrap_or_else(|_| Number::from(1))
}

/// The amount after a 32-bit float has held it, as the provider's fees are: 0.60 is `0.6000000238418579`.
pub(crate) fn as_single_float(amount: Amount) -> Number {
    let float = amount.to_string().parse::<f32>().ok();
    float.and_then(|float| Number::from_f64(float.into())).unwrap_or_else(|| as_number(amount))
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn amounts_are_numbers_and_fees_are_noisy_ones() {
        let text = |number: Number| number.to_string();
        assert_eq!(text(as_number(Amount::from_cents(2500))), "25");
        assert_eq!(text(as_number(Amount::from_cents(2786))), "27.86");
        assert_eq!(text(as_number(Amount::from_cents(150))), "1.5");
        assert_eq!(text(as_single_float(Amount::from_cents(60))), "0.6000000238418579");
        assert_eq!(text(as_single_float(Amount::ZERO)), "0.0");
        let weighed = |quantity: &str| Item::new("Cheese", Amount::ZERO).quantity(quantity.parse::<Decimal>().unwrap());
        assert_eq!((text(quantity(&weighed("3"))), text(quantity(&weighed("0.750")))), ("3".into(), "0.75".into()));
    }
}
