//! Calling receivers: in order, each isolated from the others.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::ReportEntry;
use crate::receiver::{Answered, Context, Failure, NESTING_LIMIT, Nested, Outcome, ReceiverInfo, SignalContext};
use crate::util::text::causes;

/// Calls the plain functions that come first, up to the first failure: at once, and without an allocation. `None` says that
/// nobody is left.
#[inline(always)]
pub(super) fn call_plain<'a>(occasion: &'a SignalContext<'a>, receivers: &'a [ReceiverInfo]) -> Option<Stop> {
    let next = Cell::new(0);
    let mut context = Context { occasion, receiver: receivers.first()? };
    let Some(_nested) = Nested::enter() else { return Some(Stop { at: 0, failure: None }) };
    // One catch for all: it costs nothing until somebody panics.
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

/// Where the plain calls ended: at one that is not for them, or that has failed.
pub(super) struct Stop {
    at: usize,
    failure: Option<Failure>,
}

/// Receivers that are called, polled and waited for. Returns those that failed, as they did.
///
/// Those of one `order` start one after another: a sync one runs to its end, an async one to its first pause. The next
/// `order` starts when all of the one before have ended.
#[must_use = "nobody is called until it is polled"]
pub(super) struct RemainingReceivers<'a> {
    occasion: &'a SignalContext<'a>,
    receivers: &'a [ReceiverInfo],
    next: usize,
    waiting: Vec<PausedReceiver<'a>>,
    failed: Vec<ReportEntry>,
}

/// A receiver that has come to a pause.
struct PausedReceiver<'a> {
    receiver: &'a ReceiverInfo,
    future: BoxFuture<'a, Outcome>,
}

impl<'a> RemainingReceivers<'a> {
    /// Everybody from there on.
    #[inline]
    pub(super) fn from(stop: Stop, occasion: &'a SignalContext<'a>, receivers: &'a [ReceiverInfo]) -> Self {
        let mut run = Self { occasion, receivers, next: stop.at, waiting: Vec::new(), failed: Vec::new() };
        if let Some(failure) = stop.failure {
            run.failed(&receivers[stop.at], failure);
            run.next += 1;
        }
        run
    }

    /// Starts everybody up to the end, or up to a higher `order` than somebody has who has to be waited for.
    fn start(&mut self, task: &mut task::Context<'_>) {
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.start_until_a_panic(task))) {
            self.failed(&self.receivers[self.next], Failure::panicked(panic));
            self.next += 1;
        }
    }

    fn start_until_a_panic(&mut self, task: &mut task::Context<'_>) {
        while let Some(receiver) = self.receivers.get(self.next) {
            if !self.waiting.is_empty() && receiver.order() > self.receivers[self.next - 1].order() {
                return;
            }
            if receiver.hears(self.occasion.sender) {
                match receiver.call(&Context { occasion: self.occasion, receiver }) {
                    Answered::Now(outcome) => self.ended(receiver, outcome),
                    Answered::Later(mut future) => match poll(&mut future, task) {
                        Poll::Ready(outcome) => self.ended(receiver, outcome),
                        Poll::Pending => self.wait_for(PausedReceiver { receiver, future }),
                    },
                }
            }
            self.next += 1;
        }
    }

    #[cold]
    fn wait_for(&mut self, waiting: PausedReceiver<'a>) {
        if self.waiting.is_empty() {
            self.waiting.reserve(self.receivers.len() - self.next);
        }
        self.waiting.push(waiting);
    }

    fn go_on(&mut self, task: &mut task::Context<'_>) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain_mut(|PausedReceiver { receiver, future }| {
            match catch_unwind(AssertUnwindSafe(|| poll(future, task))) {
                Ok(Poll::Pending) => return true,
                Ok(Poll::Ready(outcome)) => self.ended(receiver, outcome),
                Err(panic) => self.failed(receiver, Failure::panicked(panic)),
            }
            false
        });
        self.waiting = waiting;
    }

    /// Refuses the receivers that haven't been called yet.
    #[cold]
    fn refuse(&mut self) {
        let sender = self.occasion.sender;
        for receiver in self.receivers[self.next..].iter().filter(|receiver| receiver.hears(sender)) {
            self.failed(receiver, Failure::TooDeep { limit: NESTING_LIMIT });
        }
        self.next = self.receivers.len();
    }

    fn ended(&mut self, receiver: &ReceiverInfo, outcome: Outcome) {
        if let Err(error) = outcome {
            self.failed(receiver, Failure::Error(error));
        }
    }

    #[cold]
    fn failed(&mut self, receiver: &ReceiverInfo, failure: Failure) {
        let SignalContext { transaction, signal, .. } = self.occasion;
        let error = causes(&failure);
        tracing::error!(receiver = receiver.id(), %signal, transaction = %transaction.id(), error, "receiver failed");
        self.failed.push(ReportEntry::failed(receiver, *signal, failure));
    }
}

impl Future for RemainingReceivers<'_> {
    type Output = Vec<ReportEntry>;

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        let nested = Nested::enter();
        if !self.waiting.is_empty() {
            self.go_on(task);
        }
        if nested.is_none() {
            self.refuse();
        }
        while self.waiting.is_empty() && self.next < self.receivers.len() {
            self.start(task);
        }
        if self.waiting.is_empty() { Poll::Ready(std::mem::take(&mut self.failed)) } else { Poll::Pending }
    }
}

/// Polls a receiver with as much of tokio's budget as the task has now, and gives it back: a receiver that uses up its own
/// leaves that of the next one alone, and is stopped by tokio all the same.
fn poll(future: &mut BoxFuture<'_, Outcome>, task: &mut task::Context<'_>) -> Poll<Outcome> {
    // Restores the budget as it is dropped.
    let _budget = tokio::task::coop::poll_proceed(task);
    future.poll_unpin(task)
}
