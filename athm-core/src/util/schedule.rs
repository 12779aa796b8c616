//! When a background task runs again: one loop for all that poll, retry and prune.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use jiff::Timestamp;

use super::clock::{Clock, later};

/// The pause after a run that failed.
pub(crate) const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// When to run again, as a run decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextRun {
    /// At once: there was more to do than one run does.
    Now,
    /// At this steady time, which is when the next row is due; `None` when no row is pending. A wake-up comes first.
    Due(Option<Timestamp>),
    /// After [`PAUSE_AFTER_FAILURE`], whatever wakes the task: the database may be down.
    AfterFailure,
    /// Never: the database is closed.
    Never,
}

/// A task's schedule.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    pub(crate) clock: &'a Clock,
    /// The longest wait between two runs: other processes make rows due as well, and they wake no task here.
    pub(crate) max_wait: Duration,
}

impl Schedule<'_> {
    /// Runs `run` again and again, until it answers [`NextRun::Never`]. In between it waits for the time that `run`
    /// names, for `woken`, or for [`max_wait`](Self::max_wait), whichever comes first.
    pub(crate) async fn run<R, W>(&self, run: impl Fn() -> R, woken: impl Fn() -> W)
    where
        R: Future<Output = NextRun>,
        W: Future<Output = ()>,
    {
        loop {
            let now = || self.clock.steady();
            match run().await {
                NextRun::Now => {}
                NextRun::Due(due) => {
                    let latest = later(now(), self.max_wait);
                    let until = due.map_or(latest, |due| due.min(latest));
                    select(pin!(self.clock.sleep_until(until)), pin!(woken())).await;
                }
                NextRun::AfterFailure => self.clock.sleep_until(later(now(), PAUSE_AFTER_FAILURE)).await,
                NextRun::Never => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::{pending, ready};

    use super::*;

    /// Runs a schedule on a manual clock that is at the time that each run names, and returns when it ran, in seconds.
    async fn seconds(answers: Vec<NextRun>, start: Timestamp, clock: &Clock) -> Vec<i64> {
        let (answers, ran_at) = (RefCell::new(answers.into_iter()), RefCell::new(Vec::new()));
        let schedule = Schedule { clock, max_wait: Duration::from_secs(60) };
        let run = || {
            ran_at.borrow_mut().push(clock.steady().duration_since(start).as_secs());
            ready(answers.borrow_mut().next().unwrap_or(NextRun::Never))
        };
        let ticking = async {
            loop {
                tokio::task::yield_now().await;
                clock.advance(Duration::from_secs(1));
            }
        };
        select(pin!(schedule.run(run, pending)), pin!(ticking)).await;
        ran_at.into_inner()
    }

    #[tokio::test]
    async fn a_task_runs_when_it_is_due_and_at_least_once_a_minute() {
        let clock = Clock::manual();
        let start = clock.steady();
        let at = |seconds| NextRun::Due(Some(later(start, Duration::from_secs(seconds))));
        let answers = vec![at(10), NextRun::Now, NextRun::AfterFailure, NextRun::Due(None), at(1000)];
        let ran_at = seconds(answers, start, &clock).await;
        assert_eq!(ran_at, [0, 10, 10, 11, 71, 131]);
    }

    #[tokio::test]
    async fn a_wake_up_comes_before_the_due_time() {
        let (clock, runs) = (Clock::manual(), RefCell::new(0));
        let schedule = Schedule { clock: &clock, max_wait: Duration::from_secs(60) };
        let run = || {
            *runs.borrow_mut() += 1;
            ready(if *runs.borrow() < 3 { NextRun::Due(None) } else { NextRun::Never })
        };
        schedule.run(run, || ready(())).await;
        assert_eq!(runs.into_inner(), 3);
    }
}
