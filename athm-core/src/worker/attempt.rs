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

/// How much of a failure's message is kept, in characters.
const MESSAGE: usize = 1000;

impl Worker {
    /// Runs the receiver. Tells how it ended.
    pub(super) async fn deliver(
        &self,
        receiver: &ReceiverInfo,
        claimed: &ClaimedDelivery,
        transaction: &Transaction,
        event: &Event,
        recording: &Span,
    ) -> AttemptOutcome {
        let ClaimedDelivery { planned, attempt, .. } = claimed;
        self.outbox.running.started(planned.id);
        let span = tracing::info_span!("delivery", receiver = receiver.id(), signal = %planned.signal, transaction = %transaction.id(), attempt);
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
                "every attempt ended without an answer: the process may have died of it".into(),
            ));
        }
        let ClaimedDelivery { planned, is_replay, .. } = claimed;
        let delivery =
            Delivery { id: planned.id, event_id: Some(event.id()), attempt, attempts, is_replay: *is_replay };
        let occasion = SignalContext {
            transaction,
            signal: planned.signal,
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

    /// What can't be stopped may come back past its time: a success counts then, a failure is a timeout.
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
        AttemptOutcome::Failed { error: cut(&message, MESSAGE).unwrap_or(&message).to_owned(), retry_at }
    }

    /// Notes how a delivery ended, of which the store is told at once. Its slot is free again when that is done: what is
    /// claimed goes no faster than what has ended can be written.
    pub(super) fn acknowledge(&self, claimed: ClaimedDelivery, end: AttemptOutcome) -> impl Future<Output = ()> {
        let ClaimedDelivery { planned: NewDelivery { id, receiver, .. }, attempt, slot, .. } = claimed;
        let noted = self.store.acknowledge(Acknowledgement { id, attempt, at: self.clock.steady(), end });
        async move {
            if let Err(error) = noted.await {
                tracing::error!(
                    receiver,
                    error = causes(&error),
                    "how a receiver ended couldn't be noted: it runs again when its lease ends"
                );
            }
            self.outbox.running.ended(id);
            drop(slot);
        }
    }
}

impl Failure {
    fn is_permanent(&self) -> bool {
        // The error is the receiver's own: even asking it for its cause may panic.
        matches!(self, Self::Error(error) if catch_unwind(AssertUnwindSafe(|| Permanent::is(error.as_ref()))).unwrap_or(false))
    }
}
