//! Calling receivers: in order, each isolated from the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Failure, ReceiverInfo, ReportEntry};
use crate::Signal;
use crate::receiver::{Answered, Context, Outcome};
use crate::text::causes;

/// Calls the receivers of one signal, which come in their order.
///
/// Those of one `order` start one after another: a sync one runs to its end, an async one to its first pause. The next
/// `order` starts when all of the one before have ended. An error or a panic stops nobody else.
///
/// As long as all goes well and nobody has to wait, this allocates nothing.
#[must_use = "nobody is called until it is polled"]
pub(super) struct Run<'a, R> {
    /// The context of whoever is next; the receiver's id is put into it then.
    context: Context<'a>,
    receivers: &'a [ReceiverInfo],
    next: usize,
    waiting: Vec<Waiting<'a>>,
    results: R,
}

/// Where the results go.
pub(super) trait Results: Default {
    fn started(&mut self, receiver: &ReceiverInfo, signal: Signal);
    fn failed(&mut self, receiver: &ReceiverInfo, signal: Signal, failure: Failure);
}

/// A receiver that has come to a pause.
struct Waiting<'a> {
    receiver: &'a ReceiverInfo,
    future: BoxFuture<'a, Outcome>,
}

impl<'a, R: Results> Run<'a, R> {
    pub(super) fn new(context: Context<'a>, receivers: &'a [ReceiverInfo], results: R) -> Self {
        Self { context, receivers, next: 0, waiting: Vec::new(), results }
    }

    /// Starts everybody up to the end, or up to a higher `order` than somebody has who has to be waited for.
    fn start(&mut self, task: &mut task::Context<'_>) {
        // One catch for all: it costs nothing until somebody panics, and then the rest go on.
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.start_until_a_panic(task))) {
            self.failed(&self.receivers[self.next], Failure::panicked(panic));
            self.next += 1;
        }
    }

    fn start_until_a_panic(&mut self, task: &mut task::Context<'_>) {
        let mut context = self.context;
        while let Some(receiver) = self.receivers.get(self.next) {
            if !self.waiting.is_empty() && receiver.order() > self.receivers[self.next - 1].order() {
                return;
            }
            if receiver.hears(context.sender) {
                context.receiver = receiver.id();
                self.results.started(receiver, context.signal);
                match receiver.call(&context) {
                    Answered::Now(outcome) => self.ended(receiver, outcome),
                    Answered::Later(mut future) => match future.poll_unpin(task) {
                        Poll::Ready(outcome) => self.ended(receiver, outcome),
                        Poll::Pending => self.wait_for(Waiting { receiver, future }),
                    },
                }
            }
            self.next += 1;
        }
    }

    #[cold]
    fn wait_for(&mut self, waiting: Waiting<'a>) {
        if self.waiting.is_empty() {
            self.waiting.reserve(self.receivers.len() - self.next);
        }
        self.waiting.push(waiting);
    }

    fn go_on(&mut self, task: &mut task::Context<'_>) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain_mut(|Waiting { receiver, future }| {
            match catch_unwind(AssertUnwindSafe(|| future.poll_unpin(task))) {
                Ok(Poll::Pending) => return true,
                Ok(Poll::Ready(outcome)) => self.ended(receiver, outcome),
                Err(panic) => self.failed(receiver, Failure::panicked(panic)),
            }
            false
        });
        self.waiting = waiting;
    }

    fn ended(&mut self, receiver: &ReceiverInfo, outcome: Outcome) {
        if let Err(error) = outcome {
            self.failed(receiver, Failure::Error(error));
        }
    }

    #[cold]
    fn failed(&mut self, receiver: &ReceiverInfo, failure: Failure) {
        let Context { transaction, signal, .. } = self.context;
        let error = causes(&failure);
        tracing::error!(receiver = receiver.id(), %signal, transaction = %transaction.id(), error, "receiver failed");
        self.results.failed(receiver, signal, failure);
    }
}

impl<R: Results + Unpin> Future for Run<'_, R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<R> {
        if !self.waiting.is_empty() {
            self.go_on(task);
        }
        while self.waiting.is_empty() && self.next < self.receivers.len() {
            self.start(task);
        }
        if self.waiting.is_empty() { Poll::Ready(std::mem::take(&mut self.results)) } else { Poll::Pending }
    }
}

/// Those that failed, as they did: nothing is kept of the others.
impl Results for Vec<ReportEntry> {
    fn started(&mut self, _: &ReceiverInfo, _: Signal) {}

    fn failed(&mut self, receiver: &ReceiverInfo, signal: Signal, failure: Failure) {
        self.push(ReportEntry::failed(receiver, signal, failure));
    }
}
