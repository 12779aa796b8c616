//! An ERROR when the provider refuses the tokens or answers for another business, at most once a minute: every call would
//! say so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::error::{FORBIDDEN, UNAUTHORIZED};
use crate::util::clock::{Clock, later};

const PAUSE: Duration = Duration::from_secs(60);

/// A clone shares the time of the last ERROR.
#[derive(Clone)]
pub(super) struct TokenAlarm {
    clock: Clock,
    last: Arc<Mutex<Option<Timestamp>>>,
}

impl TokenAlarm {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, last: Arc::default() }
    }

    /// Looks at the HTTP status of an answer.
    pub(super) fn answered(&self, status: u16, path: &str) {
        if (status == UNAUTHORIZED || status == FORBIDDEN) && self.is_due() {
            tracing::error!(status, path, "the provider refuses the tokens: see Athm::check_credentials");
        }
    }

    /// An answer named another business than the client's.
    pub(super) fn answered_for_another_business(&self) {
        if self.is_due() {
            tracing::error!(
                "the provider's answers are of another business than ATHM_BUSINESS_ID: is it, or a token, wrong?"
            );
        }
    }

    fn is_due(&self) -> bool {
        let now = self.clock.steady();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| later(last, PAUSE) <= now);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_a_minute() {
        let clock = Clock::manual();
        let alarm = TokenAlarm::new(clock.clone());
        assert!(alarm.is_due() && !alarm.clone().is_due());
        clock.advance(PAUSE - Duration::from_secs(1));
        assert!(!alarm.is_due());
        clock.advance(Duration::from_secs(1));
        assert!(alarm.is_due() && !alarm.is_due());
    }
}
