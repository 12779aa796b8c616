//! Phone numbers, which appear in no log.

use std::fmt;
use std::str::FromStr;

use super::IdError;

/// The number of a phone in Puerto Rico: ten digits. Its `Debug` shows none of them, so that no log does.
///
/// ```
/// use athm_core::PhoneNumber;
///
/// let phone: PhoneNumber = "(787) 555-0199".parse()?;
/// assert_eq!(phone.as_str(), "7875550199");
/// assert_eq!(phone, "787-555-0199".parse()?);
/// assert_eq!(phone, "1 787 555 0199".parse()?);
/// assert!("555-0199".parse::<PhoneNumber>().is_err());
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    const DIGITS: usize = 10;

    /// The ten digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Digits without the `1` that stands for the United States and Puerto Rico in front of the ten.
    pub(crate) fn without_country(digits: &str) -> &str {
        digits.strip_prefix('1').filter(|local| local.len() == Self::DIGITS).unwrap_or(digits)
    }
}

impl FromStr for PhoneNumber {
    type Err = IdError;

    /// Ignores blanks, dots, dashes, brackets and a leading `1` or `+1`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let text = text.trim();
        let (international, text) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
        let is_plain = text.chars().all(|char| char.is_ascii_digit() || " .-()".contains(char));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let local = Self::without_country(&digits);
        let has_country = local.len() < digits.len();
        if is_plain && local.len() == Self::DIGITS && (has_country || !international) {
            Ok(Self(local.to_owned()))
        } else {
            // The text may be a phone number all the same, so the error doesn't repeat it.
            Err(IdError::of_personal("a phone number of ten digits"))
        }
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_ten_digits_with_or_without_the_countrys() {
        for text in
            ["9395550142", "939 555 0142", "(939) 555-0142", "19395550142", "1-939-555-0142", "+1 (939) 555.0142"]
        {
            assert_eq!(text.parse::<PhoneNumber>().unwrap().as_str(), "9395550142", "{text}");
        }
        for text in ["", "1", "29395550142", "+9395550142", "+1939555014", "119395550142", "939555014x", "1+9395550142"]
        {
            let error = text.parse::<PhoneNumber>().unwrap_err();
            assert_eq!(error.to_string(), "expected a phone number of ten digits", "{text}");
        }
    }
}
