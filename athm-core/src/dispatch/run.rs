//! Calling receivers: in order, each isolated from the others.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};

use futures_util::FutureExt;

use super::ReportEntry;
use crate::models::Signal;
use crate::receiver::{Answered, Contained, Context, Failure, NESTING_LIMIT, Nested, ReceiverInfo, SignalContext};
use crate::util::text::causes;

/// Calls the plain functions that come first, up to the first failure, without an allocation. `None` when none is left.
#[inline(always)]
pub(super) fn call_plain<'a>(signal_context: &'a SignalContext<'a>, receivers: &'a [ReceiverInfo]) -> Option<Stop> {
    let next = Cell::new(0);
    let mut context = Context { signal_context, receiver: receivers.first()? };
    let Some(_nested) = Nested::enter() else { return Some(Stop { at: 0, failure: None }) };
    // One catch for all of them: it costs nothing until one panics.
    let called = catch_unwind(AssertUnwindSafe(|| {
        for (place, receiver) in receivers.iter().enumerate() {
            next.set(place);
            let Some(function) = receiver.plain else { return Ok(()) };
            context.receiver = receiver;
            function(&context)?;
        }
        next.set(receivers.len());
        Ok(())
    }));
    match called {
        Ok(Ok(())) if next.get() == receivers.len() => None,
        Ok(Ok(())) => Some(Stop { at: next.get(), failure: None }),
        Ok(Err(error)) => Some(Stop { at: next.get(), failure: Some(Failure::Error(error)) }),
        Err(panic) => Some(Stop { at: next.get(), failure: Some(Failure::panicked(panic)) }),
    }
}

/// Where the plain calls stopped: at a receiver that is no plain function, or that failed.
pub(super) struct Stop {
    at: usize,
    failure: Option<Failure>,
}

/// Calls, polls and waits for receivers. Returns those that failed, as they did.
///
/// Those of one `order` start one after another: a sync one runs to its end, an async one to its first pause. The next
/// `order` starts when all of the one before have ended.
#[must_use = "no receiver is called until it is polled"]
pub(super) struct RemainingReceivers<'a> {
    signal_context: &'a SignalContext<'a>,
    receivers: &'a [ReceiverInfo],
    next: usize,
    paused: Vec<PausedReceiver<'a>>,
    failed: Vec<ReportEntry>,
    /// Those whose condition was false.
    pub(super) skipped: Vec<(ReceiverInfo, Signal)>,
}

/// A receiver that waits at an `.await`.
struct PausedReceiver<'a> {
    receiver: &'a ReceiverInfo,
    future: Contained<'a>,
}

impl<'a> RemainingReceivers<'a> {
    /// The receivers from that place on.
    #[inline]
    pub(super) fn from(stop: Stop, signal_context: &'a SignalContext<'a>, receivers: &'a [ReceiverInfo]) -> Self {
        let mut run = Self {
            signal_context,
            receivers,
            next: stop.at,
            paused: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
        };
        if let Some(failure) = stop.failure {
            run.failed(&receivers[stop.at], failure);
            run.next += 1;
        }
        run
    }

    /// Starts receivers up to the end, or up to a higher `order` than that of a paused one.
    fn start(&mut self, task: &mut task::Context<'_>) {
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.start_until_a_panic(task))) {
            self.failed(&self.receivers[self.next], Failure::panicked(panic));
            self.next += 1;
        }
    }

    fn start_until_a_panic(&mut self, task: &mut task::Context<'_>) {
        while let Some(receiver) = self.receivers.get(self.next) {
            if !self.paused.is_empty() && receiver.order() > self.receivers[self.next - 1].order() {
                return;
            }
            if receiver.listens_to(self.signal_context.sender) && self.accepts(receiver) {
                match receiver.call(&Context { signal_context: self.signal_context, receiver }) {
                    Answered::Now(outcome) => self.ended(receiver, outcome.map_err(Failure::Error)),
                    Answered::Later(future) => {
                        let mut future = Contained::new(future);
                        match poll(&mut future, task) {
                            Poll::Ready(result) => self.ended(receiver, result),
                            Poll::Pending => self.pause(PausedReceiver { receiver, future }),
                        }
                    }
                }
            }
            self.next += 1;
        }
    }

    #[inline]
    fn accepts(&mut self, receiver: &ReceiverInfo) -> bool {
        let is_accepted = receiver.accepts(self.signal_context.transaction);
        if !is_accepted {
            self.skipped.push((receiver.clone(), self.signal_context.signal));
        }
        is_accepted
    }

    #[cold]
    fn pause(&mut self, paused: PausedReceiver<'a>) {
        if self.paused.is_empty() {
            self.paused.reserve(self.receivers.len() - self.next);
        }
        self.paused.push(paused);
    }

    fn resume(&mut self, task: &mut task::Context<'_>) {
        let mut paused = std::mem::take(&mut self.paused);
        paused.retain_mut(|PausedReceiver { receiver, future }| match poll(future, task) {
            Poll::Pending => true,
            Poll::Ready(result) => {
                self.ended(receiver, result);
                false
            }
        });
        self.paused = paused;
    }

    /// Refuses the receivers that haven't been called yet.
    #[cold]
    fn refuse(&mut self) {
        let sender = self.signal_context.sender;
        for receiver in self.receivers[self.next..].iter().filter(|receiver| receiver.listens_to(sender)) {
            self.failed(receiver, Failure::TooDeep { limit: NESTING_LIMIT });
        }
        self.next = self.receivers.len();
    }

    fn ended(&mut self, receiver: &ReceiverInfo, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.failed(receiver, failure);
        }
    }

    #[cold]
    fn failed(&mut self, receiver: &ReceiverInfo, failure: Failure) {
        let SignalContext { transaction, signal, .. } = self.signal_context;
        let error = causes(&failure);
        tracing::error!(receiver = receiver.id(), %signal, transaction = %transaction.id(), error, "receiver failed");
        self.failed.push(ReportEntry::failed(receiver, *signal, failure));
    }
}

impl Future for RemainingReceivers<'_> {
    type Output = Vec<ReportEntry>;

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        let nested = Nested::enter();
        if !self.paused.is_empty() {
            self.resume(task);
        }
        if nested.is_none() {
            self.refuse();
        }
        while self.paused.is_empty() && self.next < self.receivers.len() {
            self.start(task);
        }
        if self.paused.is_empty() { Poll::Ready(std::mem::take(&mut self.failed)) } else { Poll::Pending }
    }
}

/// Polls a receiver with as much of tokio's budget as the task has now, and gives it back: a receiver that uses up its own
/// leaves that of the next one alone, and is stopped by tokio all the same.
fn poll(future: &mut Contained<'_>, task: &mut task::Context<'_>) -> Poll<Result<(), Failure>> {
    // Restores the budget as it is dropped.
    let _budget = tokio::task::coop::poll_proceed(task);
    future.poll_unpin(task)
}
