//! When payments are polled and customers are searched.

use std::time::Duration;

use jiff::Timestamp;

use crate::models::Transaction;
use crate::util::backoff::Backoff;
use crate::util::clock::later;

/// An open payment is polled every 20 seconds at first, then after half of its age, at least once a day.
const MIN_PAUSE: Duration = Duration::from_secs(20);
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long after the deadline the provider should show the expiry.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// How long after the deadline a payment that is still open counts as expired, although the provider says OPEN.
const EXPIRED_AFTER: Duration = Duration::from_secs(5 * 60);
/// The pauses between searches for a customer: 30 s, 2 min, 8 min … 7 h.
const SEARCH_BACKOFF: Backoff = Backoff::new(Duration::from_secs(30), 4, Duration::from_secs(7 * 60 * 60));
/// How many searches are made in all: the last is 10 to 12 hours after the first, before deliveries wait no longer
/// ([`CUSTOMER_WAIT`](crate::outbox::CUSTOMER_WAIT)).
const MAX_SEARCHES: u32 = 7;

/// The pause before the next poll of an open payment. A poll always falls shortly after the deadline.
pub(super) fn until_next_poll(of: &Transaction, now: Timestamp) -> Duration {
    let age = Duration::try_from(now.duration_since(of.created_at)).unwrap_or_default();
    let pause = (age / 2).clamp(MIN_PAUSE, MAX_PAUSE);
    let marks =
        of.deadline.into_iter().flat_map(|deadline| [later(deadline, EXPIRY_MARGIN), later(deadline, EXPIRED_AFTER)]);
    let ahead = marks.filter_map(|mark| Duration::try_from(mark.duration_since(now)).ok());
    ahead.filter(|ahead| !ahead.is_zero()).fold(pause, Duration::min)
}

/// Whether a payment that is still open counts as expired.
pub(super) fn is_well_past_deadline(of: &Transaction, asked_at: Timestamp) -> bool {
    of.deadline.is_some_and(|deadline| later(deadline, EXPIRED_AFTER) <= asked_at)
}

/// The pause after the nth search for who paid, from 1: 30 s, 2 min, 8 min … 7 h; `None` after the last.
pub(super) fn until_next_search(attempt: u32) -> Option<Duration> {
    (attempt < MAX_SEARCHES).then(|| SEARCH_BACKOFF.pause_after(attempt))
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
        let mut now = later(of.created_at, MIN_PAUSE);
        let asked = std::iter::repeat_with(|| {
            let age = now.duration_since(of.created_at);
            now = later(now, until_next_poll(of, now));
            age.as_secs().unsigned_abs()
        });
        asked.take(count).collect()
    }

    #[test]
    fn polls_become_rarer_and_one_follows_the_deadline() {
        let of = opened(600);
        assert_eq!(ages(&of, 12), [20, 40, 60, 90, 135, 202, 303, 455, 610, 900, 1350, 2025]);
        assert!(!is_well_past_deadline(&of, later(of.created_at, Duration::from_secs(899))));
        assert!(is_well_past_deadline(&of, later(of.created_at, Duration::from_secs(900))));
        let (day, old) = (24 * 60 * 60, later(of.created_at, 30 * MAX_PAUSE));
        assert_eq!(until_next_poll(&of, old).as_secs(), day);
        assert_eq!(ages(&opened(120), 6), [20, 40, 60, 90, 130, 195]);
        // After a clock was set back, polls don't become more frequent.
        assert_eq!(until_next_poll(&of, Timestamp::from_second(-1000).unwrap()), MIN_PAUSE);
    }

    #[test]
    fn searches_for_the_customer_end_before_deliveries_wait_no_longer() {
        let pauses: Vec<_> = (1..).map_while(until_next_search).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [30, 120, 480, 1920, 7680, 25_200]);
        // Each may be a fifth longer.
        assert!(pauses.iter().sum::<u64>() * 6 / 5 < crate::outbox::CUSTOMER_WAIT.as_secs());
    }
}
