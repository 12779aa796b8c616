//! Opening payments whose intent is stored: by the program after its commit, or by the background task.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
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

    /// Opens a payment once for its key, however many callers there are.
    pub(super) async fn create_once(&self, payment: NewPayment) -> Result<Transaction, OperationError> {
        let intent = self.new_intent(payment).await?;
        let id = self.inbox.store.insert_intent(intent).await?.map_err(|KeyTaken| OperationError::KeyTaken)?;
        self.open(id).await
    }

    /// Opens the payment of an intent, or returns it as it was opened. While another caller opens it, in any process, this
    /// waits for as long as a call may take.
    pub(crate) async fn open(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        let wait_until = Instant::now() + self.longest_call();
        loop {
            match self.begin_opening(id).await? {
                Ok(started) => return self.request_opening(started).await,
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
        let run = || async {
            let began = self.inbox.clock.steady();
            match self.open_all_due(began).await {
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

    /// Opens what is due. Returns whether there may be more.
    async fn open_all_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let due = self.inbox.store.due_intents(now).await?;
        let is_full = due.len() >= MAX_DUE_INTENTS as usize;
        let opened: Result<Vec<()>, _> =
            join_all(due.into_iter().map(|id| self.open_due(id))).await.into_iter().collect();
        opened.map(|_| is_full)
    }

    async fn open_due(&self, id: TransactionId) -> Result<(), StoreError> {
        let opened = match self.begin_opening(id).await? {
            Ok(started) => self.request_opening(started).await.map(drop),
            Err(NotOpening::Failed(reason)) => Err(OperationError::NotOpened { id, reason }),
            // Another caller is faster.
            Err(_) => Ok(()),
        };
        if let Err(error) = opened {
            let error = causes(&error);
            tracing::warn!(payment = %id, error, "a payment that the program has committed couldn't be opened");
        }
        Ok(())
    }

    async fn begin_opening(&self, id: TransactionId) -> Result<Result<StartedOpening, NotOpening>, StoreError> {
        let now = self.inbox.clock.steady();
        let ends_at = later(now, self.longest_call() + RECORD_MARGIN);
        self.inbox.store.begin_opening(BeginOpening { id, now, ends_at }).await
    }

    /// Asks the provider, and records the payment under the intent's id. An opening that was replaced meanwhile finds a
    /// payment with that id: its own isn't recorded, so that no money can move for it.
    async fn request_opening(&self, started: StartedOpening) -> Result<Transaction, OperationError> {
        let opened_at = self.inbox.clock.now();
        let requested = self.request_payment(&started.payment).await;
        let recorded = match requested {
            Ok(created) => self.record_created_as(started.id, &started.payment, opened_at, created).await,
            Err(error) => Err(error),
        };
        let outcome = match &recorded {
            Ok(Transaction { ecommerce_id: Some(id), .. }) => OpeningOutcome::Opened(*id),
            Ok(_) => return recorded,
            Err(error) => self.failed(&started, error),
        };
        let result = FinishOpening { id: started.id, attempt: started.attempt, outcome };
        if let Err(error) = self.inbox.store.finish_opening(result).await {
            // The opening's time ends, and the next one finds the payment.
            tracing::error!(error = causes(&error), "the outcome of opening a payment couldn't be stored");
        }
        recorded
    }

    /// A refusal is final. Anything else is tried again, until the deadline.
    fn failed(&self, started: &StartedOpening, error: &OperationError) -> OpeningOutcome {
        let reason = causes(error);
        let reason = cut(&reason, MAX_ERROR_CHARS).unwrap_or(&reason).to_owned();
        let is_final =
            matches!(error, OperationError::Provider(error) if !error.is_retryable() && !error.is_outcome_unknown());
        if is_final {
            return OpeningOutcome::Failed(reason);
        }
        OpeningOutcome::Again { due_at: started.next_at(self.inbox.clock.steady()), error: reason }
    }

    /// The payment that an intent was opened as.
    async fn opened(
        &self,
        id: TransactionId,
        ecommerce_id: Option<EcommerceId>,
    ) -> Result<Transaction, OperationError> {
        let by_name = ecommerce_id.map(|id| PaymentSelector::Payment(PaymentKey::Ecommerce(id)));
        let found = self.inbox.store.find(by_name.unwrap_or(PaymentSelector::Id(id))).await?;
        found.ok_or(OperationError::UnknownTransaction { id })
    }
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
