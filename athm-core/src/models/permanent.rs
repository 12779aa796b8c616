//! Errors that are the same on every attempt.

use std::error::Error;
use std::fmt;

use crate::util::contain::causes_of;

/// Says that an error will be the same on every attempt: the delivery is dead at once, kept and replayable.
///
/// Return it from a receiver around any error, or give it as the `source` of an error type of your own, as
/// [`UnexpectedTotal`](crate::UnexpectedTotal) does.
///
/// ```
/// use athm_core::{BoxError, Permanent, Transaction, receiver};
///
/// #[receiver(completed)]
/// fn fulfil(transaction: &Transaction) -> Result<(), BoxError> {
///     let order: u32 = transaction.metadata_1().parse().map_err(Permanent::new)?;
///     println!("order {order} is paid");
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Permanent(Option<Box<dyn Error + Send + Sync>>);

impl Permanent {
    /// For the `source` of an error that is permanent by its nature.
    pub const MARK: Self = Self(None);

    /// That error, for good.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Some(error.into()))
    }

    /// Whether this error, or one that caused it, is permanent.
    pub(crate) fn is(error: &(dyn Error + 'static)) -> bool {
        causes_of(error).any(|error| error.is::<Self>())
    }
}

impl fmt::Display for Permanent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a retry can't succeed")
    }
}

impl Error for Permanent {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|error| error as _)
    }
}
