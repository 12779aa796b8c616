//! The time, which tests may set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
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
pub struct Clock {
    /// None is the system's.
    manual: Option<Arc<watch::Sender<Manual>>>,
    /// How far the database server's clock is ahead of the system's, in microseconds. Nought without a server.
    ahead: Arc<AtomicI64>,
    /// How far the system's is taken to be wrong: not at all, but where a test is another machine.
    wrong_by: SignedDuration,
}

#[derive(Debug, Clone, Copy)]
struct Manual {
    steady: Timestamp,
    jumped: SignedDuration,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still, at the present time, until it is advanced.
    #[must_use]
    pub fn manual() -> Self {
        let manual = Manual { steady: system_now(), jumped: SignedDuration::ZERO };
        Self { manual: Some(Arc::new(watch::Sender::new(manual))), ..Self::default() }
    }

    /// The clock of a machine on which it is wrong.
    #[cfg(all(test, feature = "postgres"))]
    pub(crate) fn wrong(by: SignedDuration) -> Self {
        Self { wrong_by: by, ..Self::default() }
    }

    /// Lets time pass on a manual clock, and wakes whoever waited for it. The system's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.send_modify(|manual| manual.steady = later(manual.steady, by));
        }
    }

    /// Sets a manual clock forward or back without any time passing, as an administrator does.
    pub fn jump(&self, by: SignedDuration) {
        if let Some(manual) = &self.manual {
            manual.send_modify(|manual| manual.jumped += by);
        }
    }

    /// Whether a test moves it.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    /// Goes by the clock of the database's server from now on, as all processes do that share it.
    #[cfg(feature = "postgres")]
    pub(crate) fn follow(&self, server: Timestamp) {
        let ahead = server.duration_since(self.as_here(system_now()));
        self.ahead.store(i64::try_from(ahead.as_micros()).unwrap_or(0), Ordering::Release);
    }

    /// The time of day: that of the database's server, where several processes may share one.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.manual.as_ref().map_or_else(
            || {
                let ahead = SignedDuration::from_micros(self.ahead.load(Ordering::Acquire));
                let here = self.as_here(system_now());
                here.saturating_add(ahead).unwrap_or(here)
            },
            |manual| {
                let Manual { steady, jumped } = *manual.borrow();
                steady.saturating_add(jumped).unwrap_or(steady)
            },
        )
    }

    /// A time that only time moves: pauses and leases are measured with it, so that a clock that is set doesn't end
    /// them early or late. It was the time of day when the process began.
    pub(crate) fn steady(&self) -> Timestamp {
        self.manual.as_ref().map_or_else(|| self.as_here(system_steady()), |manual| manual.borrow().steady)
    }

    fn as_here(&self, time: Timestamp) -> Timestamp {
        time.saturating_add(self.wrong_by).unwrap_or(time)
    }

    /// Waits until a steady time: at once when it has passed.
    pub(crate) async fn sleep_until(&self, until: Timestamp) {
        match &self.manual {
            None => {
                tokio::time::sleep(Duration::try_from(until.duration_since(self.steady())).unwrap_or_default()).await
            }
            Some(manual) => {
                // The sender is alive as long as `self` is, so this ends only when the time has come.
                let _ = manual.subscribe().wait_for(|manual| manual.steady >= until).await;
            }
        }
    }
}

/// That much later, or the last time that there is.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// That much earlier, or the first time that there is.
pub(crate) fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// The system's time, in the microseconds that databases keep: what is written is what is read.
pub(crate) fn system_now() -> Timestamp {
    whole_micros(Timestamp::now())
}

fn system_steady() -> Timestamp {
    static BEGINNING: OnceLock<(Timestamp, Instant)> = OnceLock::new();
    let (timestamp, instant) = BEGINNING.get_or_init(|| (Timestamp::now(), Instant::now()));
    whole_micros(later(*timestamp, instant.elapsed()))
}

fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
