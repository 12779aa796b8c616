//! When a background task runs again: one loop for all that poll, retry and prune.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use jiff::Timestamp;
use tokio::sync::watch;

use super::clock::{Clock, later};
use super::in_flight::{InFlight, InFlightGuard};

/// The pause after a run that failed.
pub(crate) const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// When to run again, as a run decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextRun {
    /// At once: there was more to do than one run does.
    Now,
    /// At this steady time, which is when the next row is due; `None` when no row is pending. A wake-up comes first.
    Due(Option<Timestamp>),
    /// After [`PAUSE_AFTER_FAILURE`], or when it is requested: the database may be down.
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
    /// Who asks for a run at once.
    pub(crate) requests: &'a RunRequests,
}

/// Requests that a scheduled task run now. A clone is the same task's.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunRequests(watch::Sender<RequestedRuns>, InFlight);

#[derive(Debug, Default)]
struct RequestedRuns {
    /// How many runs were requested.
    requested: u64,
    /// The newest request that was made before the last run began.
    served: u64,
    /// The task has ended, or panicked: it serves no request.
    has_ended: bool,
}

impl RunRequests {
    /// Has the task run, and waits until it has run what is due by now.
    pub(crate) async fn run_now(&self) {
        self.0.send_modify(|runs| runs.requested += 1);
        let request = self.0.borrow().requested;
        // The sender lives as long as `self`, so this can't fail.
        let _ = self.0.subscribe().wait_for(|runs| runs.served >= request || runs.has_ended).await;
        self.1.wait_until_zero().await;
    }

    /// Counts what a run has begun and doesn't wait for, until the guard is dropped: the one that requests a run waits for it.
    pub(crate) fn begun(&self) -> InFlightGuard {
        self.1.enter()
    }

    fn newest(&self) -> u64 {
        self.0.borrow().requested
    }

    fn serve(&self, request: u64) {
        self.0.send_modify(|runs| runs.served = request);
    }

    /// Waits for a request after this one.
    async fn newer_than(&self, request: u64) {
        let _ = self.0.subscribe().wait_for(|runs| runs.requested > request).await;
    }
}

/// While it exists, the task serves requests.
struct Serving<'a>(&'a RunRequests);

impl<'a> Serving<'a> {
    fn begin(requests: &'a RunRequests) -> Self {
        requests.0.send_modify(|runs| runs.has_ended = false);
        Self(requests)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|runs| runs.has_ended = true);
    }
}

impl Schedule<'_> {
    /// Runs `run` again and again, until it answers [`NextRun::Never`]. In between it waits for the time that `run`
    /// names, for `woken`, for a request, or for [`max_wait`](Self::max_wait), whichever comes first.
    pub(crate) async fn run<R, W>(&self, run: impl Fn() -> R, woken: impl Fn() -> W)
    where
        R: Future<Output = NextRun>,
        W: Future<Output = ()>,
    {
        let _serving = Serving::begin(self.requests);
        loop {
            let request = self.requests.newest();
            let next = run().await;
            let requested = || self.requests.newer_than(request);
            let now = self.clock.steady();
            match next {
                NextRun::Now => continue,
                NextRun::Due(due) => {
                    self.requests.serve(request);
                    let latest = later(now, self.max_wait);
                    let until = due.map_or(latest, |due| due.min(latest));
                    let (woken, requested) = (pin!(woken()), pin!(requested()));
                    select(pin!(self.clock.sleep_until(until)), select(woken, requested)).await;
                }
                NextRun::AfterFailure => {
                    self.requests.serve(request);
                    let pause = self.clock.sleep_until(later(now, PAUSE_AFTER_FAILURE));
                    select(pin!(pause), pin!(requested())).await;
                }
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
        let schedule = Schedule { clock, max_wait: Duration::from_secs(60), requests: &RunRequests::default() };
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
        let schedule = Schedule { clock: &clock, max_wait: Duration::from_secs(60), requests: &RunRequests::default() };
        let run = || {
            *runs.borrow_mut() += 1;
            ready(if *runs.borrow() < 3 { NextRun::Due(None) } else { NextRun::Never })
        };
        schedule.run(run, || ready(())).await;
        assert_eq!(runs.into_inner(), 3);
    }

    #[tokio::test]
    async fn a_requested_run_ends_when_nothing_more_is_due() {
        let (clock, requests, runs) = (Clock::manual(), RunRequests::default(), RefCell::new(0));
        let schedule = Schedule { clock: &clock, max_wait: Duration::from_secs(60), requests: &requests };
        let run = || {
            *runs.borrow_mut() += 1;
            ready(match *runs.borrow() {
                1 => NextRun::AfterFailure,
                // The request doesn't wait for the pause after the failure, and finds two batches.
                2 | 3 => NextRun::Now,
                4 => NextRun::Due(None),
                _ => NextRun::Never,
            })
        };
        let requesting = async {
            for expected in [4, 5, 5] {
                requests.run_now().await;
                assert_eq!(*runs.borrow(), expected);
            }
        };
        futures_util::future::join(schedule.run(run, pending), requesting).await;
    }
}
