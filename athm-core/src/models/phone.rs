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
/// assert!("555-0199".parse::<PhoneNumber>().is_err());
/// # Ok::<(), athm_core::IdError>(())
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
}

impl FromStr for PhoneNumber {
    type Err = IdError;

    /// Ignores blanks, dots, dashes, brackets and a leading `+1`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let text = text.trim();
        let text = text.strip_prefix("+1").unwrap_or(text);
        let is_plain = text.chars().all(|char| char.is_ascii_digit() || " .-()".contains(char));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if is_plain && digits.len() == Self::DIGITS {
            Ok(Self(digits))
        } else {
            // The text may be a phone number all the same, so the error doesn't repeat it.
            Err(IdError::new("a phone number of ten digits", "something else"))
        }
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber([redacted])")
    }
}
