//! One attempt at one delivery.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;
use tracing::{Instrument, Span};

use super::Worker;
use crate::models::{Event, Permanent, Transaction};
use crate::outbox::{Acknowledgement, AttemptOutcome, ClaimedDelivery, NewDelivery, retry_pause};
use crate::receiver::{Context, Delivery, Failure, ReceiverInfo, SignalContext, call};
use crate::util::clock::later;
use crate::util::text::{causes, cut};

/// How much of a failure's message is stored, in characters.
const MAX_ERROR_CHARS: usize = 1000;

impl Worker {
    /// Runs the receiver, and returns the attempt's outcome.
    pub(super) async fn deliver(
        &self,
        receiver: &ReceiverInfo,
        claimed: &ClaimedDelivery,
        transaction: &Transaction,
        event: &Event,
        recording: &Span,
    ) -> AttemptOutcome {
        let ClaimedDelivery { delivery, attempt, .. } = claimed;
        self.outbox.running.started(delivery.id);
        let span = tracing::info_span!("delivery", receiver = receiver.id(), signal = %delivery.signal, transaction = %transaction.id(), attempt);
        span.follows_from(recording.id());
        let result = self.attempt(receiver, claimed, transaction, event).instrument(span.clone()).await;
        match result {
            Ok(()) => {
                tracing::debug!(parent: &span, "receiver succeeded");
                AttemptOutcome::Succeeded
            }
            Err(failure) => span.in_scope(|| self.failed(receiver, *attempt, &failure)),
        }
    }

    async fn attempt(
        &self,
        receiver: &ReceiverInfo,
        claimed: &ClaimedDelivery,
        transaction: &Transaction,
        event: &Event,
    ) -> Result<(), Failure> {
        let (attempt, attempts) = (claimed.attempt, receiver.attempts());
        if attempt > attempts {
            return Err(Failure::Error(
                "every attempt ended without a result: the receiver may have ended the process".into(),
            ));
        }
        let NewDelivery { id, signal, .. } = claimed.delivery;
        let is_replay = claimed.is_replay;
        let delivery = Delivery { id, event_id: Some(event.id()), attempt, attempts, is_replay };
        let occasion = SignalContext {
            transaction,
            signal,
            sender: event.sender(),
            states: self.dispatcher.states(),
            refund: event.transition().refund(),
            delivery: Some(&delivery),
        };
        let context = Context { occasion: &occasion, receiver };
        let (limit, started) = (receiver.timeout(), self.clock.steady());
        let running = pin!(call(receiver, &context));
        if receiver.is_blocking() {
            return self.in_time(running.await, started, limit);
        }
        match select(running, pin!(self.clock.sleep_until(later(started, limit)))).await {
            Either::Left((result, _)) => self.in_time(result, started, limit),
            Either::Right(_) => Err(Failure::TimedOut { limit }),
        }
    }

    /// A blocking receiver can't be stopped and may return after its timeout. A success counts then, a failure is
    /// reported as the timeout.
    fn in_time(&self, result: Result<(), Failure>, started: Timestamp, limit: Duration) -> Result<(), Failure> {
        if self.clock.steady() <= later(started, limit) {
            return result;
        }
        result.map_err(|_| Failure::TimedOut { limit })?;
        tracing::warn!(?limit, "receiver succeeded, past its timeout");
        Ok(())
    }

    fn failed(&self, receiver: &ReceiverInfo, attempt: u32, failure: &Failure) -> AttemptOutcome {
        let message = causes(failure);
        let is_final = attempt >= receiver.attempts() || failure.is_permanent();
        let retry_at = (!is_final).then(|| later(self.clock.steady(), retry_pause(attempt, &self.jitter)));
        match retry_at {
            Some(at) => tracing::error!(error = message, retry_at = %at, "receiver failed"),
            None => tracing::error!(error = message, "receiver failed for good; it can be replayed"),
        }
        AttemptOutcome::Failed { error: cut(&message, MAX_ERROR_CHARS).unwrap_or(&message).to_owned(), retry_at }
    }

    /// Acknowledges an attempt. The write is queued by the call itself; the future waits for its commit, and then frees
    /// the slot. Deliveries are therefore claimed no faster than acknowledgements commit.
    pub(super) fn acknowledge(&self, claimed: ClaimedDelivery, outcome: AttemptOutcome) -> impl Future<Output = ()> {
        let ClaimedDelivery { delivery: NewDelivery { id, receiver, .. }, attempt, slot, .. } = claimed;
        let committed = self.store.acknowledge(Acknowledgement { id, attempt, at: self.clock.steady(), outcome });
        async move {
            if let Err(error) = committed.await {
                tracing::error!(
                    receiver,
                    error = causes(&error),
                    "the delivery's outcome couldn't be stored: it runs again when its lease ends"
                );
            }
            self.outbox.running.ended(id);
            drop(slot);
        }
    }
}

impl Failure {
    fn is_permanent(&self) -> bool {
        // The error's type is the receiver's own: its `source` may panic.
        matches!(self, Self::Error(error) if catch_unwind(AssertUnwindSafe(|| Permanent::is(error.as_ref()))).unwrap_or(false))
    }
}
