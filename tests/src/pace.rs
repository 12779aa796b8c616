//! Time that passes faster than it does, alike in every process.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use athm_actix::testing::Clock;
use jiff::Timestamp;

/// How often the clock is moved on.
const TICK: Duration = Duration::from_millis(5);
/// From how long a standstill on, in fast time, a process may be taken for dead: 30 s after a call has ended for all that
/// others know, which is up to 5 s before it has.
const STANDSTILL: Duration = Duration::from_secs(25);

/// When time began to run fast, and how fast it runs.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Milliseconds since 1970.
    pub since: u64,
    /// How many seconds pass in one.
    pub speed: u32,
}

impl Pace {
    /// Time runs fast from now on.
    #[must_use]
    pub fn from_now(speed: u32) -> Self {
        Self { since: millis(), speed }
    }

    /// Shortly before the first payment.
    #[must_use]
    pub fn beginning(self) -> Timestamp {
        let since = i64::try_from(self.since).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(since.saturating_sub(60_000)).unwrap_or(Timestamp::MIN)
    }

    /// A clock for athm. What one process has stored, another finds at the same time.
    #[must_use]
    pub fn clock(self) -> Clock {
        let clock = Clock::manual();
        let mut ahead = Duration::ZERO;
        let began = millis();
        let ticking = clock.clone();
        let mut tick = move || {
            let now = millis();
            let fast = Duration::from_millis(now.saturating_sub(self.since)).saturating_mul(self.speed);
            // A manual clock stands where it began: what it is to be moved on counts from there.
            let wanted = fast.saturating_sub(Duration::from_millis(began.saturating_sub(self.since)));
            if wanted > ahead {
                ticking.advance(wanted - ahead);
                ahead = wanted;
            }
        };
        tick();
        thread::spawn(move || {
            loop {
                self.sleep();
                tick();
            }
        });
        clock
    }

    /// Says on the error output when this process stands still for too long.
    pub fn watch(self) {
        thread::spawn(move || {
            loop {
                self.sleep();
            }
        });
    }

    fn sleep(self) {
        let began = Instant::now();
        thread::sleep(TICK);
        let stood = began.elapsed().saturating_mul(self.speed);
        if stood > STANDSTILL {
            eprintln!("a process stood still for {} s of its time: let it pass less fast", stood.as_secs());
        }
    }
}

fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
