//! The languages that customers are addressed in.

use std::fmt;
use std::str::FromStr;

use super::IdError;

/// A language that customers are addressed in. Displayed and parsed as its code: `en`, `es`.
///
/// ```
/// use athm_core::provider::{Language, ProviderError};
///
/// assert!(!ProviderError::NotFound.customer_message(Language::Spanish).is_empty());
/// assert_eq!("es".parse::<Language>()?, Language::Spanish);
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// English.
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// The code of the language, for the attribute `lang` of HTML: `en` or `es`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Language {
    type Err = IdError;

    /// Reads a code with or without a region: `es` and `es-PR` are both Spanish.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let code = text.split(['-', '_']).next().unwrap_or_default().trim();
        let mut all = [Self::English, Self::Spanish].into_iter();
        let found = all.find(|language| code.eq_ignore_ascii_case(language.code()));
        found.ok_or_else(|| IdError::new("a language, en or es", text))
    }
}
