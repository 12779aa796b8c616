//! Money, in integer cents.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::util::text::shortened;

/// An amount of US dollars, held as integer cents: never a float.
///
/// Parsing takes what the provider writes: `"25"`, `"25.0"`, `"25.00"`, and the noise of its 32-bit floats
/// (`0.6000000238418579` is 60 cents). What is within a tenth of a cent is rounded; anything further off is refused.
///
/// # Examples
///
/// ```
/// use athm_core::Amount;
///
/// let price: Amount = "24.99".parse()?;
/// let tax = Amount::from_cents(287);
/// let total = price.checked_add(tax).expect("far from the limit");
/// assert_eq!(total.to_string(), "27.86");
/// assert_eq!(total.cents(), 2786);
/// assert!("24.995".parse::<Amount>().is_err());
/// # Ok::<(), athm_core::errors::AmountError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    cents: i64,
}

impl Amount {
    /// No money at all.
    pub const ZERO: Self = Self::from_cents(0);

    /// The amount of that many cents.
    ///
    /// ```
    /// # use athm_core::Amount;
    /// assert_eq!(Amount::from_cents(150).to_string(), "1.50");
    /// ```
    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self { cents }
    }

    /// The amount in cents.
    ///
    /// ```
    /// # use athm_core::Amount;
    /// assert_eq!("1.50".parse::<Amount>()?.cents(), 150);
    /// # Ok::<(), athm_core::errors::AmountError>(())
    /// ```
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.cents
    }

    /// Whether this is exactly nothing.
    ///
    /// ```
    /// # use athm_core::Amount;
    /// assert!(Amount::ZERO.is_zero());
    /// ```
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.cents == 0
    }

    /// The amount without its sign, as refunds are written with and without one.
    ///
    /// ```
    /// # use athm_core::Amount;
    /// assert_eq!(Amount::from_cents(-625).abs(), Amount::from_cents(625));
    /// ```
    #[must_use]
    pub const fn abs(self) -> Self {
        Self { cents: self.cents.saturating_abs() }
    }

    /// The sum, or `None` past what 64 bits of cents can hold.
    ///
    /// ```
    /// # use athm_core::Amount;
    /// assert_eq!(Amount::from_cents(1).checked_add(Amount::from_cents(2)), Some(Amount::from_cents(3)));
    /// assert_eq!(Amount::from_cents(i64::MAX).checked_add(Amount::from_cents(1)), None);
    /// ```
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.cents.checked_add(other.cents) {
            Some(cents) => Some(Self { cents }),
            None => None,
        }
    }

    /// The difference, which may be negative, or `None` past what 64 bits of cents can hold.
    ///
    /// ```
    /// # use athm_core::Amount;
    /// assert_eq!(Amount::from_cents(5).checked_sub(Amount::from_cents(2)), Some(Amount::from_cents(3)));
    /// ```
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.cents.checked_sub(other.cents) {
            Some(cents) => Some(Self { cents }),
            None => None,
        }
    }

    /// The multiple of this amount, as for a line of an order, or `None` past what 64 bits of cents can hold.
    ///
    /// ```
    /// # use athm_core::Amount;
    /// assert_eq!(Amount::from_cents(250).checked_mul(3), Some(Amount::from_cents(750)));
    /// ```
    #[must_use]
    pub const fn checked_mul(self, times: u32) -> Option<Self> {
        match self.cents.checked_mul(times as i64) {
            Some(cents) => Some(Self { cents }),
            None => None,
        }
    }
}

impl Amount {
    /// The nearest amount of whole cents; of two, the even one: 10.125 is 10.12, and 10.375 is 10.38.
    pub(crate) fn rounded(dollars: Decimal) -> Result<Self, AmountError> {
        let cents = dollars.checked_mul(Decimal::ONE_HUNDRED).and_then(|cents| cents.round().to_i64());
        cents.map(Self::from_cents).ok_or_else(|| AmountError::OutOfRange { found: shortened(&dollars.to_string()) })
    }
}

/// `25.00`: dollars, a point and two digits of cents, without a currency sign.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.cents.unsigned_abs();
        f.pad_integral(self.cents >= 0, "", &format!("{}.{:02}", cents / 100, cents % 100))
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amount({self})")
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        decimal(text).ok_or_else(|| AmountError::NotANumber { found: shortened(text) })?.try_into()
    }
}

/// A decimal number, also with an exponent.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

impl TryFrom<&str> for Amount {
    type Error = AmountError;

    fn try_from(text: &str) -> Result<Self, AmountError> {
        text.parse()
    }
}

impl TryFrom<Decimal> for Amount {
    type Error = AmountError;

    fn try_from(dollars: Decimal) -> Result<Self, AmountError> {
        let tolerance = Decimal::new(1, 1);
        let amount = Self::rounded(dollars)?;
        // Both are within the range of a Decimal, and so is what lies between them.
        if (dollars - Decimal::from(amount)).abs() * Decimal::ONE_HUNDRED > tolerance {
            return Err(AmountError::NotCents { found: shortened(&dollars.to_string()) });
        }
        Ok(amount)
    }
}

/// The amount in dollars, with two decimals.
impl From<Amount> for Decimal {
    fn from(amount: Amount) -> Self {
        Decimal::new(amount.cents, 2)
    }
}

/// As a string, `"25.00"`: a JSON number would become a float in most readers.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From a string, an integer of dollars, or a float with no more than the provider's noise.
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of dollars, such as \"25.00\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, dollars: u64) -> Result<Amount, E> {
        Amount::try_from(Decimal::from(dollars)).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, dollars: i64) -> Result<Amount, E> {
        Amount::try_from(Decimal::from(dollars)).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, dollars: f64) -> Result<Amount, E> {
        self.visit_str(&dollars.to_string())
    }
}

/// Why something is no [`Amount`].
///
/// ```
/// use athm_core::Amount;
/// use athm_core::errors::AmountError;
///
/// assert!(matches!("12.345".parse::<Amount>(), Err(AmountError::NotCents { .. })));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// It is not a decimal number.
    #[error("expected {}, found {found:?}", self.expected())]
    NotANumber {
        /// What was there instead, shortened.
        found: String,
    },
    /// It is more than a tenth of a cent away from whole cents.
    #[error("expected {}, found {found:?}", self.expected())]
    NotCents {
        /// What was there instead, shortened.
        found: String,
    },
    /// It is more than 64 bits of cents can hold.
    #[error("expected {}, found {found:?}", self.expected())]
    OutOfRange {
        /// What was there instead, shortened.
        found: String,
    },
}

impl AmountError {
    /// What is expected of a number of dollars.
    pub(crate) const A_NUMBER: &str = "an amount of dollars such as 25.00";

    /// What was expected.
    pub(crate) fn expected(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => Self::A_NUMBER,
            Self::NotCents { .. } => "whole cents",
            Self::OutOfRange { .. } => "at most 92233720368547758.07 dollars",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Result<i64, AmountError> {
        text.parse::<Amount>().map(Amount::cents)
    }

    #[test]
    fn every_spelling_of_an_amount_is_read() {
        for (text, expected) in [("3.00", 300), ("3", 300), ("1.0", 100), ("0.01", 1), ("-2.50", -250), ("1e2", 10000)]
        {
            assert_eq!(cents(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_providers_float_noise_is_rounded_away() {
        assert_eq!(cents("0.6000000238418579"), Ok(60));
        assert_eq!(cents("0.05999999865889549"), Ok(6));
        assert_eq!(cents("1499.989990234375"), Ok(149_999));
        assert_eq!(cents("0.601"), Ok(60));
    }

    #[test]
    fn more_than_a_tenth_of_a_cent_off_is_refused() {
        assert_eq!(cents("0.6011"), Err(AmountError::NotCents { found: "0.6011".into() }));
        assert_eq!(cents("24.995"), Err(AmountError::NotCents { found: "24.995".into() }));
    }

    #[test]
    fn what_is_no_number_or_no_sum_of_money_is_refused() {
        for text in ["", " ", "$5", "1,500.00", "NaN", "inf", "0x10", "five"] {
            assert!(matches!(cents(text), Err(AmountError::NotANumber { .. })), "{text}");
        }
        assert!(matches!(cents("99999999999999999999"), Err(AmountError::OutOfRange { .. })));
        assert!(cents("1e300").is_err());
    }

    #[test]
    fn arithmetic_stops_at_the_limit() {
        let most = Amount::from_cents(i64::MAX);
        assert_eq!(most.checked_add(Amount::from_cents(1)), None);
        assert_eq!(most.checked_mul(2), None);
        assert_eq!(Amount::from_cents(i64::MIN).checked_sub(Amount::from_cents(1)), None);
    }

    #[test]
    fn decimals_convert_both_ways() {
        assert_eq!(Decimal::from(Amount::from_cents(1234)).to_string(), "12.34");
        assert_eq!(Amount::try_from(Decimal::new(1234, 2)), Ok(Amount::from_cents(1234)));
        assert!(Amount::try_from(Decimal::MAX).is_err());
    }

    #[test]
    fn json_strings_and_numbers_both_deserialise() {
        for json in ["\"2.5\"", "2.5", "2.50"] {
            assert_eq!(serde_json::from_str::<Amount>(json).unwrap(), Amount::from_cents(250), "{json}");
        }
        assert_eq!(serde_json::from_str::<Amount>("3").unwrap(), Amount::from_cents(300));
        assert_eq!(serde_json::to_string(&Amount::from_cents(250)).unwrap(), "\"2.50\"");
    }

    proptest::proptest! {
        #[test]
        fn what_is_displayed_parses_back(cents: i64) {
            let amount = Amount::from_cents(cents);
            assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn a_32_bit_float_of_any_payable_amount_is_exact(cents in 0_i64..=150_000) {
            #[expect(clippy::float_arithmetic, reason = "this makes the provider's noise")]
            let noisy = f64::from(cents as f32 / 100.0);
            assert_eq!(serde_json::from_str::<Amount>(&noisy.to_string()).unwrap(), Amount::from_cents(cents));
        }
    }
}
