//! Errors that ask for a later run.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::util::contain::causes_of;

/// The shortest and the longest pause. Due deliveries are looked for once a second.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(366 * 24 * 60 * 60));
/// How long a delivery may wait in all, unless the receiver says otherwise.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Says that a receiver can't do its work yet, and when to run it again: no attempt is spent, and no error is logged.
///
/// Return it from a receiver, or give it as the `source` of an error type of your own. The receiver runs again when the time
/// has passed, within 2 seconds if a slot is free. The pauses of a delivery may last 7 days in all, or what
/// [`at_most`](Self::at_most) says; one that would last longer is a failed attempt like any other. A dispatch by hand runs
/// nothing again: there, it is an error.
///
/// ```
/// use std::time::Duration;
/// use athm_core::{BoxError, RetryAfter, State, Transaction, receiver};
///
/// # struct Warehouse; impl Warehouse { fn is_open(&self) -> bool { false } fn ship(&self, _: &str) {} }
/// #[receiver(completed)]
/// fn ship(transaction: &Transaction, State(warehouse): State<Warehouse>) -> Result<(), BoxError> {
///     if !warehouse.is_open() {
///         return Err(RetryAfter::new(Duration::from_secs(15 * 60)).into());
///     }
///     warehouse.ship(transaction.metadata_1());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct RetryAfter {
    pause: Duration,
    longest_wait: Duration,
    reason: Option<Box<dyn Error + Send + Sync>>,
}

impl RetryAfter {
    /// Not before that time has passed: at least a second, at most a year.
    #[must_use]
    pub fn new(pause: Duration) -> Self {
        Self { pause: pause.clamp(PAUSE.0, PAUSE.1), longest_wait: LONGEST_WAIT, reason: None }
    }

    /// How long the delivery may wait in all; 7 days unless given.
    ///
    /// ```
    /// use std::time::Duration;
    /// use athm_core::RetryAfter;
    ///
    /// let hour = Duration::from_secs(60 * 60);
    /// let until_tomorrow = RetryAfter::new(hour).at_most(24 * hour);
    /// assert_eq!(until_tomorrow.pause(), hour);
    /// ```
    #[must_use]
    pub fn at_most(mut self, longest_wait: Duration) -> Self {
        self.longest_wait = longest_wait;
        self
    }

    /// The same, with the error that it is for: it is logged. Put nothing personal into it.
    #[must_use]
    pub fn caused_by(mut self, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// How long it waits.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// The request in this error, or in one that caused it.
    pub(crate) fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        causes_of(error).find_map(|error| error.downcast_ref())
    }

    /// The pause, unless a delivery that has waited for so long may wait no longer.
    pub(crate) fn pause_after(&self, waited: Duration) -> Option<Duration> {
        (waited.saturating_add(self.pause) <= self.longest_wait).then_some(self.pause)
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it can't work yet, and asks to be run again in {:?}", self.pause)
    }
}

impl Error for RetryAfter {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.as_deref().map(|reason| reason as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    #[test]
    fn the_pauses_of_a_delivery_are_bounded_in_all() {
        let every_hour = RetryAfter::new(HOUR);
        assert_eq!(every_hour.pause_after(LONGEST_WAIT - HOUR), Some(HOUR));
        assert_eq!(every_hour.pause_after(LONGEST_WAIT), None);
        assert_eq!(every_hour.at_most(2 * HOUR).pause_after(2 * HOUR), None);
    }

    #[test]
    fn no_pause_is_shorter_than_a_second_or_longer_than_a_year() {
        assert_eq!(RetryAfter::new(Duration::ZERO).pause(), PAUSE.0);
        let forever = RetryAfter::new(Duration::MAX).at_most(Duration::MAX);
        assert_eq!(forever.pause_after(Duration::MAX), Some(PAUSE.1));
    }
}
