//! Receivers that block, on threads that may be blocked.

use std::panic::resume_unwind;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::runtime::Handle;

use super::{Answered, Context, Delivery, Outcome, ReceiverInfo, SignalContext, States, nesting};
use crate::models::{Event, Sender, Signal, Transaction};

/// Calls a receiver on the blocking pool, within the caller's span. Outside of a tokio runtime there is no pool: it runs
/// right here. A receiver that has begun runs to its end, even if its caller stops waiting.
pub(super) fn call<'a>(receiver: &'a ReceiverInfo, context: &Context<'a>) -> Answered<'a> {
    let Ok(runtime) = Handle::try_current() else { return receiver.call_here(context) };
    let (receiver, context, span) = (receiver.clone(), Owned::from(context), tracing::Span::current());
    let (pool, depth) = (runtime.clone(), nesting::depth());
    let running = pool.spawn_blocking(move || {
        // What it dispatches is within the same dispatches as here.
        let _nested = nesting::Nested::resume(depth);
        span.in_scope(|| context.call(&receiver, &runtime))
    });
    let ended = running.map(|ended| match ended.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(outcome) => outcome,
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(stopped)) => Err(stopped.into()),
    });
    Answered::Later(ended.boxed())
}

/// A context that may leave the caller's thread.
struct Owned {
    transaction: Transaction,
    signal: Signal,
    sender: Sender,
    states: Arc<States>,
    event: Option<Event>,
    delivery: Option<Delivery>,
}

impl From<&Context<'_>> for Owned {
    fn from(context: &Context<'_>) -> Self {
        Self {
            transaction: context.signal_context.transaction.clone(),
            signal: context.signal_context.signal,
            sender: context.signal_context.sender.clone(),
            states: Arc::clone(context.signal_context.states),
            event: context.signal_context.event.cloned(),
            delivery: context.signal_context.delivery.copied(),
        }
    }
}

impl Owned {
    fn call(&self, receiver: &ReceiverInfo, runtime: &Handle) -> Outcome {
        let signal_context = SignalContext {
            transaction: &self.transaction,
            signal: self.signal,
            sender: &self.sender,
            states: &self.states,
            event: self.event.as_ref(),
            delivery: self.delivery.as_ref(),
        };
        match receiver.call_here(&Context { signal_context: &signal_context, receiver }) {
            Answered::Now(outcome) => outcome,
            Answered::Later(future) => runtime.block_on(future),
        }
    }
}
