//! Limits log lines that any sender can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many lines of a kind are logged in a second.
const MOST: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// At most ten lines a second of one kind: a `static` beside the line. How many were left out is logged before the next
/// one.
pub(crate) struct LogLimit(Mutex<Window>);

struct Window {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl LogLimit {
    /// One that has logged nothing.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Window { since: None, lines: 0, left_out: 0 }))
    }

    /// Logs a line, unless there were enough of them in this second.
    pub(crate) fn log(&self, line: impl FnOnce()) {
        let Some(left_out) = self.take(Instant::now()) else { return };
        if left_out > 0 {
            tracing::warn!(left_out, "log lines like the next one were left out");
        }
        line();
    }

    /// How many lines were left out before this one; `None` if this one is left out, too.
    fn take(&self, now: Instant) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.since.is_none_or(|since| now.saturating_duration_since(since) >= SECOND) {
            window.since = Some(now);
            window.lines = 0;
        }
        if window.lines >= MOST {
            window.left_out += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_logged_and_the_others_counted() {
        let (limit, start) = (LogLimit::new(), Instant::now());
        let logged = |after: u64, lines: usize| {
            let now = start + Duration::from_millis(after);
            (0..lines).filter_map(|_| limit.take(now)).collect::<Vec<_>>()
        };
        assert_eq!(logged(0, 4), [0; 4]);
        assert_eq!(logged(500, 100), [0; 6]);
        assert!(logged(999, 1).is_empty());
        assert_eq!(logged(1000, 12), [95, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(logged(5000, 1), [2]);
    }
}
