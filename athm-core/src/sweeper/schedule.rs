//! How often the provider is asked.

use std::time::Duration;

use jiff::Timestamp;

use crate::models::Transaction;
use crate::util::clock::later;

/// An open payment is polled every 20 seconds at first, then every half of its age, then once a day.
const SHORTEST: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How long after the deadline an expiry should show.
const SOON: Duration = Duration::from_secs(10);
/// How long after the deadline what is still open counts as expired, although the provider doesn't say so.
const WELL_PAST: Duration = Duration::from_secs(5 * 60);
/// The pause after the first search for a customer; it grows fourfold from time to time.
const FIRST_SEARCH: Duration = Duration::from_secs(30);
/// The last search is 11 hours after the first.
const SEARCHES: u32 = 7;

/// The pause before an open payment is asked about again. It never passes over the deadline.
pub(super) fn until_next_poll(of: &Transaction, now: Timestamp) -> Duration {
    let age = Duration::try_from(now.duration_since(of.created_at)).unwrap_or_default();
    let pause = (age / 2).clamp(SHORTEST, LONGEST);
    let marks = of.deadline.into_iter().flat_map(|deadline| [later(deadline, SOON), later(deadline, WELL_PAST)]);
    let ahead = marks.filter_map(|mark| Duration::try_from(mark.duration_since(now)).ok());
    ahead.filter(|ahead| !ahead.is_zero()).fold(pause, Duration::min)
}

/// Whether a payment that is still open will not be approved any more.
pub(super) fn is_well_past_deadline(of: &Transaction, asked_at: Timestamp) -> bool {
    of.deadline.is_some_and(|deadline| later(deadline, WELL_PAST) <= asked_at)
}

/// The pause after the nth search for who paid, from 1: 30 s, 2 min, 8 min … 8 h; `None` after the last.
pub(super) fn until_next_search(attempt: u32) -> Option<Duration> {
    (attempt < SEARCHES).then(|| FIRST_SEARCH.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Amount, Status};

    fn opened(timeout: u64) -> Transaction {
        let built = Transaction::builder(Status::Open, Amount::from_cents(2500)).build();
        let created_at = Timestamp::UNIX_EPOCH;
        Transaction { created_at, deadline: Some(later(created_at, Duration::from_secs(timeout))), ..built }
    }

    fn ages(of: &Transaction, count: usize) -> Vec<u64> {
        let mut now = later(of.created_at, SHORTEST);
        let asked = std::iter::repeat_with(|| {
            let age = now.duration_since(of.created_at);
            now = later(now, until_next_poll(of, now));
            age.as_secs().unsigned_abs()
        });
        asked.take(count).collect()
    }

    #[test]
    fn polls_grow_rarer_and_keep_to_the_deadline() {
        let of = opened(600);
        assert_eq!(ages(&of, 12), [20, 40, 60, 90, 135, 202, 303, 455, 610, 900, 1350, 2025]);
        assert!(!is_well_past_deadline(&of, later(of.created_at, Duration::from_secs(899))));
        assert!(is_well_past_deadline(&of, later(of.created_at, Duration::from_secs(900))));
        let (day, old) = (24 * 60 * 60, later(of.created_at, 30 * LONGEST));
        assert_eq!(until_next_poll(&of, old).as_secs(), day);
        assert_eq!(ages(&opened(120), 6), [20, 40, 60, 90, 130, 195]);
        // A clock that was set back asks no more often.
        assert_eq!(until_next_poll(&of, Timestamp::from_second(-1000).unwrap()), SHORTEST);
    }

    #[test]
    fn searches_end() {
        let pauses: Vec<_> = (1..).map_while(until_next_search).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [30, 120, 480, 1920, 7680, 30_720]);
    }
}
