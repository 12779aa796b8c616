//! Calling receivers: in order, each isolated from the others.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, CatchUnwind};

use super::registry::Callable;
use super::{Failure, ReceiverInfo};
use crate::receiver::{Call, Context, Outcome, States};
use crate::text::causes;
use crate::{Sender, Signal, Transaction};

/// What there is to tell the receivers of one signal.
#[derive(Clone, Copy)]
pub(crate) struct News<'a> {
    pub(crate) transaction: &'a Transaction,
    pub(crate) signal: Signal,
    pub(crate) sender: &'a Sender,
    pub(crate) states: &'a States,
}

/// Calls each of these receivers, which come in their order, and gives their results in the same order.
///
/// Those of one `order` start one after another: a sync one runs to its end, an async one to its first pause. The
/// next `order` starts when all of the one before have ended. An error or a panic stops nobody else.
pub(crate) async fn run(news: News<'_>, receivers: &[&ReceiverInfo]) -> Vec<Result<(), Failure>> {
    let mut results = Vec::with_capacity(receivers.len());
    for group in receivers.chunk_by(|a, b| a.order() == b.order()) {
        results.extend(run_group(news, group).await);
    }
    for (receiver, result) in receivers.iter().zip(&results) {
        if let Err(failure) = result {
            let News { transaction, signal, .. } = news;
            tracing::error!(receiver = receiver.id(), %signal, transaction = %transaction.id(), error = %causes(failure), "receiver failed");
        }
    }
    results
}

async fn run_group(news: News<'_>, receivers: &[&ReceiverInfo]) -> Vec<Result<(), Failure>> {
    let contexts: Vec<Context<'_>> = receivers.iter().map(|receiver| news.context_of(receiver)).collect();
    let mut started = Vec::with_capacity(receivers.len());
    for (receiver, context) in receivers.iter().zip(&contexts) {
        started.push(start(receiver, context).await);
    }
    poll_fn(|task| {
        let mut waiting = false;
        for running in &mut started {
            if let Started::Running(future) = running {
                match future.poll_unpin(task) {
                    Poll::Ready(result) => *running = Started::Ended(ended(result)),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    let results = started.into_iter().filter_map(|started| match started {
        Started::Ended(result) => Some(result),
        Started::Running(_) => None,
    });
    results.collect()
}

/// A receiver that has been started.
enum Started<'a> {
    Running(CatchUnwind<AssertUnwindSafe<BoxFuture<'a, Outcome>>>),
    Ended(Result<(), Failure>),
}

async fn start<'a>(receiver: &'a ReceiverInfo, context: &'a Context<'a>) -> Started<'a> {
    let now = |call: &dyn Fn(&'a Context<'a>) -> Outcome| {
        Started::Ended(ended(catch_unwind(AssertUnwindSafe(|| call(context)))))
    };
    match &receiver.callable {
        Callable::Closure(closure) => now(&|context| closure(context)),
        Callable::Linked(Call::Sync(function)) => now(&|context| function(context)),
        Callable::Linked(Call::Async(function)) => {
            let mut future = AssertUnwindSafe(function(context)).catch_unwind();
            match poll_fn(|task| Poll::Ready(future.poll_unpin(task))).await {
                Poll::Ready(result) => Started::Ended(ended(result)),
                Poll::Pending => Started::Running(future),
            }
        }
    }
}

pub(super) fn ended(result: Result<Outcome, Box<dyn Any + Send>>) -> Result<(), Failure> {
    match result {
        Ok(outcome) => outcome.map_err(Failure::Error),
        Err(panic) => Err(Failure::Panic(message(panic.as_ref()))),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}

impl<'a> News<'a> {
    fn context_of(self, receiver: &'a ReceiverInfo) -> Context<'a> {
        let Self { transaction, signal, sender, states } = self;
        Context { transaction, signal, sender, states, receiver: receiver.id(), delivery: None }
    }
}
