//! The time: of the system, of a database server, or of a test.
//!
//! There are two times. [`now`](Clock::now) is the time of day, for what people read and for comparisons with the
//! provider's times. It jumps when an administrator sets the clock. `steady` only moves forward, at the rate of the
//! system's monotonic clock; pauses, leases and deadlines are measured in it, so that a jump ends none of them early. It
//! equals the time of day at the start of the process and may drift from it later.
//!
//! Offsets, by example. A process's clock shows 12:00:00 while the database server's shows 12:00:07. The server is the
//! reference, because several processes share it:
//!
//! - `ahead` is +7 s after [`follow`](Clock::follow), and `now` returns 12:00:07.
//! - `steady` stays at 12:00:00. The PostgreSQL backend converts steady times with an offset of its own whenever it stores
//!   or reads a deadline, so that processes with different clocks agree.
//! - `wrong_by` exists in tests only: it makes this process's clock wrong, as that of another machine.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Where athm takes the time from: the system's clock, or one that a test moves by hand.
///
/// ```
/// use std::time::Duration;
/// use athm_core::testing::Clock;
///
/// let clock = Clock::manual();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(600));
/// assert_eq!(clock.now().duration_since(before).as_secs(), 600);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// The clock that a test moves. `None` is the system's clock.
    manual: Option<Arc<watch::Sender<Manual>>>,
    /// How far the database server's clock is ahead of the system's, in microseconds. 0 without a server.
    ahead: Arc<AtomicI64>,
    /// How wrong a test makes the system's clock. 0 outside tests.
    wrong_by: SignedDuration,
}

#[derive(Debug, Clone, Copy)]
struct Manual {
    steady: Timestamp,
    /// The sum of all jumps: `now` is `steady` plus this.
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

    /// The system's clock on a machine where it is wrong.
    #[cfg(all(test, feature = "postgres"))]
    pub(crate) fn wrong(by: SignedDuration) -> Self {
        Self { wrong_by: by, ..Self::default() }
    }

    /// Moves a manual clock forward, and wakes the tasks that wait for a time that has come. It has no effect on the
    /// system's clock.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.send_modify(|manual| manual.steady = later(manual.steady, by));
        }
    }

    /// Sets a manual clock forward or back, as an administrator does: the time of day changes, no time passes. It has no
    /// effect on the system's clock.
    pub fn jump(&self, by: SignedDuration) {
        if let Some(manual) = &self.manual {
            manual.send_modify(|manual| manual.jumped += by);
        }
    }

    /// Whether it is a manual clock.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    /// Takes the time of day from the database server from now on, like all processes that share the database. `server`
    /// is the server's time now.
    #[cfg(feature = "postgres")]
    pub(crate) fn follow(&self, server: Timestamp) {
        let ahead = server.duration_since(self.local(system_now()));
        self.ahead.store(i64::try_from(ahead.as_micros()).unwrap_or(0), Ordering::Release);
    }

    /// The time of day: the database server's with PostgreSQL, else the system's.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.manual.as_ref().map_or_else(
            || {
                let ahead = SignedDuration::from_micros(self.ahead.load(Ordering::Acquire));
                let here = self.local(system_now());
                here.saturating_add(ahead).unwrap_or(here)
            },
            |manual| {
                let Manual { steady, jumped } = *manual.borrow();
                steady.saturating_add(jumped).unwrap_or(steady)
            },
        )
    }

    /// A time that only moves forward, whatever happens to the time of day. Pauses and leases are measured in it.
    pub(crate) fn steady(&self) -> Timestamp {
        self.manual.as_ref().map_or_else(|| self.local(system_steady()), |manual| manual.borrow().steady)
    }

    /// A system time as this process sees it.
    fn local(&self, time: Timestamp) -> Timestamp {
        time.saturating_add(self.wrong_by).unwrap_or(time)
    }

    /// Waits until a steady time, which may have passed.
    pub(crate) async fn sleep_until(&self, until: Timestamp) {
        match &self.manual {
            None => {
                tokio::time::sleep(Duration::try_from(until.duration_since(self.steady())).unwrap_or_default()).await
            }
            Some(manual) => {
                // The sender lives as long as `self`, so this ends only when the time has come.
                let _ = manual.subscribe().wait_for(|manual| manual.steady >= until).await;
            }
        }
    }
}

/// `time + by`, or the last representable time.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// `time - by`, or the first representable time.
pub(crate) fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// The system's time in whole microseconds, which is what databases store: a time that is read equals the one written.
pub(crate) fn system_now() -> Timestamp {
    whole_micros(Timestamp::now())
}

fn system_steady() -> Timestamp {
    static START: OnceLock<(Timestamp, Instant)> = OnceLock::new();
    let (timestamp, instant) = START.get_or_init(|| (Timestamp::now(), Instant::now()));
    whole_micros(later(*timestamp, instant.elapsed()))
}

fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
