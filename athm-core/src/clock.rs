//! The time, which tests may set.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// Where athm takes the time from: the system's clock, or one that a test moves by hand.
///
/// ```
/// use std::time::Duration;
/// use athm_core::Clock;
///
/// let clock = Clock::manual();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(600));
/// assert_eq!(clock.now().duration_since(before).as_secs(), 600);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<watch::Sender<Timestamp>>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still, at the present time, until it is advanced.
    #[must_use]
    pub fn manual() -> Self {
        Self(Some(Arc::new(watch::Sender::new(system_now()))))
    }

    /// Moves a manual clock, and wakes whoever waited for that time. The system's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Some(time) = &self.0 {
            time.send_modify(|now| *now = later(*now, by));
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.as_ref().map_or_else(system_now, |time| *time.borrow())
    }

    /// Waits until a time: at once when it has passed.
    pub(crate) async fn sleep_until(&self, until: Timestamp) {
        match &self.0 {
            None => {
                tokio::time::sleep(Duration::try_from(until.duration_since(system_now())).unwrap_or_default()).await
            }
            Some(time) => {
                // The sender is alive as long as `self` is, so this ends only when the time has come.
                let _ = time.subscribe().wait_for(|now| *now >= until).await;
            }
        }
    }
}

/// That much later, or the last time that there is.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The system's time, in the microseconds that databases keep: what is written is what is read.
pub(crate) fn system_now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
