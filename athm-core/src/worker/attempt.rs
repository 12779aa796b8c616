//! One attempt at one delivery.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;
use tracing::Instrument;

use super::Worker;
use super::event::{EventContext, HeldUp};
use crate::models::{DeliveryId, Transaction};
use crate::outbox::{Acknowledgement, Attempt, AttemptOutcome, ClaimKind, ClaimPermit, NewDelivery, Run, retry_pause};
use crate::receiver::completion_requests::RegisteredAttempt;
use crate::receiver::{Context, Delivery, DeliveryClaim, Failure, ReceiverInfo, SignalContext, call};
use crate::store::StoreError;
use crate::util::backoff::Backoff;
use crate::util::clock::later;
use crate::util::contain::drop_contained;
use crate::util::text::{causes, cut};

/// How much of a failure's message is stored, in characters.
const MAX_ERROR_CHARS: usize = 1000;
/// How often an overdue receiver is logged.
const OVERDUE_LOG_INTERVAL: Duration = Duration::from_secs(60);
/// The pauses between attempts to store an outcome: 1 s, 2 s, 4 s … 60 s.
const STORE_BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), 2, Duration::from_secs(60));

impl Worker {
    /// Runs the receiver, and returns the attempt's outcome. `held_up` comes back unless the receiver overran its timeout:
    /// then what waited for it has started already.
    pub(super) async fn deliver(
        &self,
        receiver: &ReceiverInfo,
        delivery: &NewDelivery,
        attempt: Attempt,
        is_replay: bool,
        context: &EventContext,
        held_up: HeldUp,
    ) -> (AttemptOutcome, Option<HeldUp>) {
        let span = tracing::info_span!(
            "delivery",
            receiver = receiver.id(),
            signal = %delivery.signal,
            transaction = %context.transaction.id(),
            attempt = attempt.number
        );
        span.follows_from(context.recording.id());
        if let Some(outcome) = span.in_scope(|| self.without_a_run(receiver, delivery, attempt, context)) {
            return (outcome, Some(held_up));
        }
        if attempt.kind == ClaimKind::Suspect {
            tracing::warn!(parent: &span, "processes ended while this delivery ran: its attempt counts in advance");
        }
        self.outbox.running.started(delivery.id);
        let mut held_up = Some(held_up);
        let registered = RegisteredAttempt::new(delivery.id, *attempt.claim.as_uuid());
        let attempted = self.attempt(receiver, delivery, attempt, is_replay, context, &mut held_up);
        let result = attempted.instrument(span.clone()).await;
        let is_completed = if registered.is_completion_requested() {
            Some(self.is_completed(delivery.id, attempt).instrument(span.clone()).await)
        } else {
            None
        };
        let outcome = match (result, is_completed) {
            (Ok(()), None) => {
                tracing::debug!(parent: &span, "receiver succeeded");
                AttemptOutcome::Succeeded
            }
            (Ok(()), Some(true)) => {
                tracing::debug!(parent: &span, "receiver succeeded, and its own transaction completed the delivery");
                AttemptOutcome::Completed
            }
            (Err(failure), Some(true)) => {
                let error = causes(&failure);
                tracing::warn!(parent: &span, error, "receiver failed after its own transaction completed the delivery");
                drop_contained(failure);
                AttemptOutcome::Completed
            }
            (Ok(()), Some(false)) => {
                let (error, retry_at) = span.in_scope(|| self.rolled_back(receiver, attempt.number));
                AttemptOutcome::Failed { error, retry_at }
            }
            (Err(failure), _) => {
                let outcome = span.in_scope(|| self.waiting(attempt, &failure)).unwrap_or_else(|| {
                    let (error, retry_at) =
                        span.in_scope(|| self.failed(receiver, delivery, context, attempt.number, &failure));
                    AttemptOutcome::Failed { error, retry_at }
                });
                drop_contained(failure);
                outcome
            }
        };
        (outcome, held_up)
    }

    /// The outcome of an attempt that doesn't call the receiver: one that ended with an earlier process, or one too many.
    fn without_a_run(
        &self,
        receiver: &ReceiverInfo,
        delivery: &NewDelivery,
        attempt: Attempt,
        context: &EventContext,
    ) -> Option<AttemptOutcome> {
        let failed =
            |error: &str| self.failed(receiver, delivery, context, attempt.number, &Failure::Error(error.into()));
        if attempt.kind == ClaimKind::Interrupted {
            let ended = "the process ended during the attempt: the receiver may have ended the process";
            let (error, retry_at) = failed(ended);
            return Some(AttemptOutcome::Interrupted { error, retry_at });
        }
        (attempt.number > receiver.attempts()).then(|| {
            let ended = "every attempt ended without a result: the receiver may have ended the process";
            let (error, _) = failed(ended);
            AttemptOutcome::Exhausted { error }
        })
    }

    async fn attempt(
        &self,
        receiver: &ReceiverInfo,
        delivery: &NewDelivery,
        attempt: Attempt,
        is_replay: bool,
        context: &EventContext,
        held_up: &mut Option<HeldUp>,
    ) -> Result<(), Failure> {
        let EventContext { transaction, event, .. } = context;
        let details = Delivery {
            id: delivery.id,
            event_id: Some(event.id()),
            attempt: attempt.number,
            attempts: receiver.attempts(),
            is_replay,
            claim: DeliveryClaim::Held { claim: *attempt.claim.as_uuid(), database: self.store.database() },
        };
        let signal = SignalContext {
            transaction,
            signal: delivery.signal,
            sender: event.sender(),
            states: self.dispatcher.states(),
            event: Some(event),
            delivery: Some(&details),
        };
        let context = Context { signal_context: &signal, receiver };
        let (limit, started) = (receiver.timeout(), self.clock.steady());
        let mut call = pin!(call(receiver, &context));
        match select(call.as_mut(), pin!(self.clock.sleep_until(later(started, limit)))).await {
            Either::Left((result, _)) => self.in_time(result, started, limit),
            // Its thread can't be stopped: it keeps its slot until it ends, but holds up nothing else any more.
            Either::Right(_) if receiver.is_blocking() => {
                drop(held_up.take());
                let result = self.wait_for_overdue(call, limit).await;
                self.in_time(result, started, limit)
            }
            Either::Right(_) => Err(Failure::TimedOut { limit }),
        }
    }

    async fn wait_for_overdue(
        &self,
        mut call: Pin<&mut impl Future<Output = Result<(), Failure>>>,
        limit: Duration,
    ) -> Result<(), Failure> {
        loop {
            tracing::warn!(?limit, "a blocking receiver is past its timeout and still runs: it keeps its slot");
            let next = later(self.clock.steady(), OVERDUE_LOG_INTERVAL);
            if let Either::Left((result, _)) = select(call.as_mut(), pin!(self.clock.sleep_until(next))).await {
                return result;
            }
        }
    }

    /// A receiver that can't be stopped may end past its timeout: a success counts then, a failure is a timeout.
    fn in_time(&self, result: Result<(), Failure>, started: Timestamp, limit: Duration) -> Result<(), Failure> {
        if self.clock.steady() <= later(started, limit) {
            return result;
        }
        if let Err(failure) = result {
            drop_contained(failure);
            return Err(Failure::TimedOut { limit });
        }
        tracing::warn!(?limit, "receiver succeeded, past its timeout");
        Ok(())
    }

    /// Whether the receiver's own transaction has committed, and completed the delivery. Asked until the database answers:
    /// the lease is renewed meanwhile.
    async fn is_completed(&self, id: DeliveryId, attempt: Attempt) -> bool {
        for tries in 1_u32.. {
            match self.store.is_completed(id, attempt.claim).await {
                Ok(is_completed) => return is_completed,
                // What is stored then counts only for a delivery that still runs.
                Err(StoreError::Closed) => break,
                Err(error) => {
                    let error = causes(&error);
                    tracing::error!(
                        error,
                        "whether a receiver's own transaction committed couldn't be read; tried again"
                    );
                    self.clock.sleep_until(later(self.clock.steady(), STORE_BACKOFF.pause_after(tries))).await;
                }
            }
        }
        false
    }

    /// The receiver succeeded, and its own transaction, which was to complete the delivery, didn't commit. Returns the message
    /// to store, and when the next attempt is due.
    fn rolled_back(&self, receiver: &ReceiverInfo, attempt: u32) -> (String, Option<Timestamp>) {
        let retry_at = self.retry_at(receiver, attempt);
        let next = retry_at.map(tracing::field::display);
        tracing::warn!(
            retry_at = next,
            "receiver succeeded, but its own transaction didn't commit: the delivery isn't completed"
        );
        (String::from("the transaction that was to complete the delivery didn't commit"), retry_at)
    }

    /// When the attempt after this one is due; `None` if it was the last.
    fn retry_at(&self, receiver: &ReceiverInfo, attempt: u32) -> Option<Timestamp> {
        let is_final = attempt >= receiver.attempts();
        (!is_final).then(|| later(self.clock.steady(), retry_pause(receiver.backoff(), attempt, &self.jitter)))
    }

    /// The outcome of an attempt whose receiver asks to be run again later; `None` if it doesn't, or may wait no longer.
    fn waiting(&self, attempt: Attempt, failure: &Failure) -> Option<AttemptOutcome> {
        let asked = failure.retry_after().filter(|_| !failure.is_permanent())?;
        let pause = asked.pause_after(attempt.waited)?;
        let due_at = later(self.clock.steady(), pause);
        tracing::info!(reason = causes(failure), retry_at = %due_at, "receiver asked to be run again later");
        Some(AttemptOutcome::Waiting { pause, due_at })
    }

    /// Logs a failed attempt. Returns the message to store, and when the next attempt is due.
    fn failed(
        &self,
        receiver: &ReceiverInfo,
        delivery: &NewDelivery,
        context: &EventContext,
        attempt: u32,
        failure: &Failure,
    ) -> (String, Option<Timestamp>) {
        let message = causes(failure);
        let retry_at = if failure.is_permanent() { None } else { self.retry_at(receiver, attempt) };
        let (delivery, Transaction { metadata_1, reference_number, .. }) = (delivery.id, &*context.transaction);
        let reference = reference_number.as_ref().map(tracing::field::display);
        match retry_at {
            Some(at) => {
                tracing::error!(error = message, retry_at = %at, %delivery, metadata_1, reference, "receiver failed");
            }
            None => {
                tracing::error!(error = message, %delivery, metadata_1, reference, "receiver failed for good; it can be replayed");
            }
        }
        (cut(&message, MAX_ERROR_CHARS).unwrap_or(&message).to_owned(), retry_at)
    }

    /// Hands the outcome of a delivery to the store at once. The future ends when it is stored, and frees the permit by then:
    /// claims must not outrun the acknowledgements that the database can store.
    ///
    /// An outcome that can't be stored (the disk is full, say) is retried until it is. Its lease is renewed meanwhile: a
    /// receiver that succeeded doesn't run again. The permit is freed, so that one such outcome holds up no other delivery.
    pub(super) fn acknowledge(
        &self,
        delivery: NewDelivery,
        attempt: Attempt,
        outcome: AttemptOutcome,
        run: Run,
        permit: Option<ClaimPermit>,
    ) -> impl Future<Output = ()> {
        let NewDelivery { id, receiver, .. } = delivery;
        let acknowledgement = Acknowledgement { id, attempt, at: self.clock.steady(), outcome, run: Some(run) };
        let first = (!acknowledgement.is_stored_already()).then(|| self.store.acknowledge(acknowledgement.clone()));
        async move {
            let mut stored = match first {
                Some(first) => first.await,
                None => Ok(()),
            };
            drop(permit);
            for tries in 1_u32.. {
                let Err(error) = stored else { break };
                let error_line = causes(&error);
                if matches!(error, StoreError::Closed) {
                    tracing::error!(
                        receiver,
                        error = error_line,
                        "the delivery's outcome wasn't stored: it runs again"
                    );
                    break;
                }
                tracing::error!(receiver, error = error_line, "the delivery's outcome couldn't be stored; tried again");
                self.clock.sleep_until(later(self.clock.steady(), STORE_BACKOFF.pause_after(tries))).await;
                stored = self.store.acknowledge(acknowledgement.clone()).await;
            }
            self.outbox.running.ended(id, attempt.claim);
            // A poll between the commit and the line above took the delivery for one that still runs here.
            if let AttemptOutcome::Failed { retry_at: Some(due), .. } = &acknowledgement.outcome
                && *due <= self.clock.steady()
            {
                self.outbox.wake();
            }
        }
    }
}
