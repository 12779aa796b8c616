//! Opening payments whose intent is stored: by the program after its commit, or by the background task.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::{OperationError, Operations, WAIT_INTERVAL};
use crate::models::payment_intent::{
    BeginOpening, FinishOpening, NewIntent, NotOpening, OWN_TIME, OpeningOutcome, StartedOpening,
};
use crate::models::{EcommerceId, NewPayment, PaymentKey, Transaction, TransactionId};
use crate::provider::InvalidRequest;
use crate::receiver::BoxError;
use crate::store::payment_intent::{InsertIntentError, KeyTaken, MAX_DUE_INTENTS};
use crate::store::{PaymentSelector, StoreError};
use crate::util::clock::later;
use crate::util::schedule::{NextRun, Schedule};
use crate::util::text::{causes, cut};

/// How often due intents are searched: a program's own transaction notifies no task.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// How long after the call that opens a payment its record may take.
const RECORD_MARGIN: Duration = Duration::from_secs(20);
/// How many payments are opened at once.
const MAX_AT_ONCE: usize = 16;
/// How much of an error is stored, in characters.
const MAX_ERROR_CHARS: usize = 1000;

impl Operations {
    /// An intent to open this payment. Its deadlines are by the clock of the database's.
    pub(crate) async fn new_intent(&self, payment: NewPayment) -> Result<NewIntent, OperationError> {
        let intent = self.intent_here(payment)?;
        let due_at = self.inbox.store.stored_time(intent.due_at).await?;
        let deadline = self.inbox.store.stored_time(intent.deadline).await?;
        Ok(NewIntent { due_at, deadline, ..intent })
    }

    /// The same where deadlines are by this process's clock, as in SQLite.
    pub(crate) fn intent_here(&self, payment: NewPayment) -> Result<NewIntent, OperationError> {
        payment.validate().map_err(InvalidRequest::from)?;
        let (now, created_at) = (self.inbox.clock.steady(), self.inbox.clock.now());
        let deadline = later(now, payment.timeout);
        Ok(NewIntent { id: TransactionId::new(), payment, due_at: later(now, OWN_TIME), deadline, created_at })
    }

    /// Opens a payment once for its key, however many callers there are. After an error the program may open another payment,
    /// so that the error ends the intent, and no background task goes on with it. The next call renews it.
    pub(super) async fn create_once(&self, payment: NewPayment) -> Result<Transaction, OperationError> {
        let intent = self.new_intent(payment).await?;
        let intent = NewIntent { due_at: intent.deadline, ..intent };
        let id = self.inbox.store.insert_intent(intent).await?.map_err(|KeyTaken| OperationError::KeyTaken)?;
        self.open_now(id, OnError::End).await
    }

    /// Opens the payment of an intent, or returns it as it was opened.
    pub(crate) async fn open(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.open_now(id, OnError::Retry).await
    }

    /// While another caller opens it, in any process, this waits for as long as a call may take.
    async fn open_now(&self, id: TransactionId, on_error: OnError) -> Result<Transaction, OperationError> {
        let wait_until = Instant::now() + self.longest_call();
        loop {
            match self.begin_opening(id).await? {
                Ok(started) => return self.request_opening(started, on_error).await,
                Err(NotOpening::Opened(ecommerce_id)) => return self.opened(id, ecommerce_id).await,
                Err(NotOpening::UnderWay) if Instant::now() < wait_until => sleep(WAIT_INTERVAL).await,
                Err(NotOpening::UnderWay) => return Err(OperationError::UnderWay { id }),
                Err(NotOpening::Failed(reason)) => return Err(OperationError::NotOpened { id, reason }),
                Err(NotOpening::NoSuchIntent) => return Err(OperationError::NotCommitted { id }),
            }
        }
    }

    /// Opens each payment whose intent the program has committed and not opened, until the store is closed.
    pub(crate) async fn open_all(self) {
        let places = Arc::new(Semaphore::new(MAX_AT_ONCE));
        let run = || async {
            let began = self.inbox.clock.steady();
            match self.open_all_due(began, &places).await {
                Ok(true) => NextRun::Now,
                // Counted from the time for which it has looked: what became due meanwhile isn't overlooked.
                Ok(false) => NextRun::Due(Some(later(began, MAX_WAIT))),
                Err(error) => error.log_failed_run("payments to be opened couldn't be read; tried again"),
            }
        };
        Schedule { clock: &self.inbox.clock, max_wait: MAX_WAIT, requests: &self.opening }
            .run(run, std::future::pending)
            .await;
    }

    /// Begins to open what is due, as far as there are places: one slow call holds up no other. Returns whether there may be
    /// more to begin.
    async fn open_all_due(&self, now: Timestamp, places: &Arc<Semaphore>) -> Result<bool, StoreError> {
        let due = self.inbox.store.due_intents(now).await?;
        let is_full = due.len() >= MAX_DUE_INTENTS as usize;
        for id in due {
            let Ok(place) = Arc::clone(places).try_acquire_owned() else { return Ok(false) };
            match self.begin_opening(id).await? {
                Ok(started) => {
                    let (operations, begun) = (self.clone(), self.opening.begun());
                    tokio::spawn(async move {
                        if let Err(error) = operations.request_opening(started, OnError::Retry).await {
                            warn_not_opened(id, &error);
                        }
                        drop((place, begun));
                    });
                }
                Err(NotOpening::Failed(reason)) => warn_not_opened(id, &OperationError::NotOpened { id, reason }),
                // Another caller is faster.
                Err(_) => {}
            }
        }
        Ok(is_full)
    }

    /// How long the opening of a payment may take until it counts as ended: the call, and the record of what it opened.
    pub(crate) fn longest_opening(&self) -> Duration {
        self.longest_call() + RECORD_MARGIN
    }

    async fn begin_opening(&self, id: TransactionId) -> Result<Result<Opening, NotOpening>, StoreError> {
        let now = self.inbox.clock.steady();
        let ends_at = later(now, self.longest_opening());
        let begun = self.inbox.store.begin_opening(BeginOpening { id, now, ends_at }).await?;
        Ok(begun.map(|started| Opening { started, ends_at }))
    }

    /// Asks the provider, and records the payment under the intent's id. An opening that was replaced meanwhile finds a
    /// payment with that id: its own isn't recorded, so that no money can move for it.
    async fn request_opening(
        &self,
        Opening { started, ends_at }: Opening,
        on_error: OnError,
    ) -> Result<Transaction, OperationError> {
        let (id, opened_at) = (started.id, self.inbox.clock.now());
        let recorded = match self.request_payment(&started.payment).await {
            // This process stood still, and another one may have stored that the intent has failed.
            Ok(_) if self.inbox.clock.steady() >= ends_at => {
                return Err(OperationError::NotOpenedYet { id, reason: String::from("its answer came too late") });
            }
            Ok(created) => self.record_created_as(id, &started.payment, opened_at, created).await,
            Err(error) => Err(error),
        };
        let outcome = match &recorded {
            Ok(Transaction { ecommerce_id: Some(id), .. }) => OpeningOutcome::Opened(*id),
            Ok(_) => return recorded,
            Err(error) => {
                let reason = causes(error);
                let reason = cut(&reason, MAX_ERROR_CHARS).unwrap_or(&reason).to_owned();
                if is_refusal(error) || on_error == OnError::End {
                    OpeningOutcome::Failed(reason)
                } else {
                    OpeningOutcome::Again { due_at: started.next_at(self.inbox.clock.steady()), error: reason }
                }
            }
        };
        let is_retried = matches!(outcome, OpeningOutcome::Again { .. });
        let result = FinishOpening { id, attempt: started.attempt, outcome };
        if let Err(error) = self.inbox.store.finish_opening(result).await {
            // The opening's time ends, and the next one finds the payment.
            tracing::error!(error = causes(&error), "the outcome of opening a payment couldn't be stored");
        }
        match recorded {
            Err(error) if is_retried => Err(OperationError::NotOpenedYet { id, reason: causes(&error) }),
            recorded => recorded,
        }
    }

    /// The payment that an intent was opened as.
    async fn opened(
        &self,
        id: TransactionId,
        ecommerce_id: Option<EcommerceId>,
    ) -> Result<Transaction, OperationError> {
        let by_name = ecommerce_id.map(|id| PaymentSelector::Key(PaymentKey::Ecommerce(id)));
        let found = self.inbox.store.find(by_name.unwrap_or(PaymentSelector::Id(id))).await?;
        found.ok_or(OperationError::UnknownTransaction { id })
    }
}

/// An opening, and when it counts as ended.
struct Opening {
    started: StartedOpening,
    ends_at: Timestamp,
}

/// What happens to an intent whose call brought neither a payment nor a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnError {
    /// It has failed.
    End,
    /// It is opened later.
    Retry,
}

/// A refusal is final: nothing else would come of the same call.
fn is_refusal(error: &OperationError) -> bool {
    matches!(error, OperationError::Provider(error) if !error.is_retryable() && !error.is_outcome_unknown())
}

fn warn_not_opened(id: TransactionId, error: &OperationError) {
    let error = causes(error);
    tracing::warn!(payment = %id, error, "a payment that the program has committed couldn't be opened");
}

impl From<InsertIntentError> for OperationError {
    fn from(error: InsertIntentError) -> Self {
        match error {
            InsertIntentError::OtherDatabase => Self::OtherDatabase,
            InsertIntentError::KeyTaken => Self::KeyTaken,
            InsertIntentError::Database(error) => Self::NotWritten(BoxError::from(error)),
        }
    }
}
