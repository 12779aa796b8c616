//! Whether writes succeed, for health checks.
//!
//! A check costs no write of its own while others show how it stands: a write that changed something has succeeded within
//! the last ten seconds. Otherwise the check writes, at most once in ten seconds, so that a flood of checks is no load.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::StoreError;
use crate::util::clock::later;

/// How long the result of a write counts, and how long a check that wrote forbids another one.
const MAX_AGE: Duration = Duration::from_secs(10);

/// The result of the last write of this process. A clone shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteHealth(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    last: Option<(Timestamp, Result<(), StoreError>)>,
    probed_at: Option<Timestamp>,
}

impl WriteHealth {
    /// A write that changed something was committed, or the database itself failed. A write that failed by its own fault
    /// says nothing.
    pub(super) fn record(&self, now: Timestamp, result: Result<(), StoreError>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last = Some((now, result));
    }

    /// What a check answers; `None` if it must write, which no other check does meanwhile.
    pub(super) fn check(&self, now: Timestamp) -> Option<Result<(), StoreError>> {
        let is_recent = |at: Timestamp| later(at, MAX_AGE) > now;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.last {
            Some((at, Ok(()))) if is_recent(*at) => return Some(Ok(())),
            last if state.probed_at.is_some_and(is_recent) => {
                return Some(last.as_ref().map_or(Ok(()), |(_, result)| result.clone()));
            }
            _ => {}
        }
        state.probed_at = Some(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::clock::Clock;

    #[test]
    fn a_check_writes_only_when_no_write_has_succeeded_lately_and_at_most_every_ten_seconds() {
        let (health, clock) = (WriteHealth::default(), Clock::manual());
        let check = || health.check(clock.steady());
        assert!(check().is_none(), "nothing is known yet");
        assert!(matches!(check(), Some(Ok(()))), "another check writes");
        health.record(clock.steady(), Err(StoreError::Busy));
        assert!(matches!(check(), Some(Err(StoreError::Busy))));
        clock.advance(MAX_AGE);
        assert!(check().is_none(), "it may have healed");
        health.record(clock.steady(), Ok(()));
        clock.advance(MAX_AGE / 2);
        health.record(clock.steady(), Ok(()));
        clock.advance(MAX_AGE * 3 / 4);
        assert!(matches!(check(), Some(Ok(()))), "a write of others shows it");
        clock.advance(MAX_AGE / 2);
        assert!(check().is_none());
    }
}
