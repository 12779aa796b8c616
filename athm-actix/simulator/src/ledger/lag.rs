//! How long find and search show the state before a change.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::faults::{Effect, View};

/// How long each view lags behind.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lag {
    find: Duration,
    search: Duration,
}

impl Lag {
    /// The lag of a request with that effect, at least `self`.
    pub(super) fn with_effect(self, effect: Effect) -> Self {
        Self { find: self.find.max(effect.delay(View::Find)), search: self.search.max(effect.delay(View::Search)) }
    }

    pub(super) fn set(&mut self, view: View, lag: Duration) {
        match view {
            View::Find => self.find = lag,
            View::Search => self.search = lag,
        }
    }

    pub(super) fn get(self, view: View) -> Duration {
        match view {
            View::Find => self.find,
            View::Search => self.search,
        }
    }

    /// The time from which `view` shows a change made `now`.
    pub(super) fn end(self, view: View, now: Timestamp) -> Timestamp {
        clock::after(now, self.get(view))
    }
}
