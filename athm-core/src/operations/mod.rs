//! What we ask the provider to do.
//!
//! Each operation but `create` first writes down its [`intent`], under the payment's lock, and commits that; only then is
//! the provider called, with no lock and no database transaction held. When the outcome is known the intent is gone;
//! what is left (the answer never came, the process died) is looked after by [`keep`], which reads the payment again.

mod authorize;
mod cancel;
mod create;
mod error;
mod phone;
mod recover;
mod refund;
mod resolution;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub use self::error::OperationError;
pub(crate) use self::recover::REFUND_UNRESOLVED_AFTER;
pub use self::resolution::RefundResolution;
use crate::inbox::Inbox;
use crate::models::{
    Amount, AttemptKind, BeginError, BeginOperation, BeginResult, Operation, OperationOutcome, OperationResult, Sender,
    StartedOperation, Transaction, TransactionId,
};
use crate::provider::{Client, ProviderError};
use crate::store::StoreError;
use crate::util::clock::later;
use crate::util::text::causes;

/// How much longer than its timeout a call may be under way.
const MARGIN: Duration = Duration::from_secs(5);
/// How often somebody who waits for another's call looks whether it has ended.
const GLANCE: Duration = Duration::from_millis(50);

/// Our side of the provider.
#[derive(Clone)]
pub(crate) struct Operations {
    inbox: Inbox,
    provider: Client,
    /// ReportedRefund when an outcome is unknown.
    waiting: Arc<Notify>,
}

impl Operations {
    /// A payment that can't be read again at once is read later, and nobody waits for it: the client sends once.
    pub(crate) fn new(inbox: Inbox, provider: &Client) -> Self {
        Self { inbox, provider: provider.sending_once(), waiting: Arc::default() }
    }

    /// Writes down what is about to be asked. Waits while another call for the payment is under way, here or in another
    /// process, for as long as one may take.
    async fn begin(
        &self,
        transaction: TransactionId,
        operation: Operation,
        kind: AttemptKind,
    ) -> Result<BeginResult, OperationError> {
        self.begin_with(transaction, operation, kind, None).await
    }

    async fn begin_with(
        &self,
        transaction: TransactionId,
        operation: Operation,
        kind: AttemptKind,
        amount: Option<Amount>,
    ) -> Result<BeginResult, OperationError> {
        let patience = Instant::now() + self.longest();
        loop {
            let (at, now) = (self.inbox.clock.now(), self.inbox.clock.steady());
            let ends_at = later(now, self.longest());
            let beginning = BeginOperation { transaction, operation, kind, amount, at, now, ends_at };
            match self.inbox.store.begin(beginning).await? {
                Err(BeginError::UnderWay) if Instant::now() < patience => sleep(GLANCE).await,
                Err(BeginError::UnderWay) => return Err(OperationError::UnderWay { id: transaction }),
                Err(BeginError::NoSuchPayment) => return Err(OperationError::UnknownTransaction { id: transaction }),
                // So long after that, it would hardly be under way before it counts as ended.
                Ok(started) if self.inbox.clock.steady() > later(now, MARGIN) => {
                    self.withdraw(started).await;
                    return Err(StoreError::Busy.into());
                }
                begun => return Ok(begun),
            }
        }
    }

    /// The provider was not asked.
    async fn withdraw(&self, started: StartedOperation) {
        let outcome = if started.refund.is_some() { OperationOutcome::NotDone } else { OperationOutcome::Known };
        self.finish_operation(OperationResult { intent: started.intent, outcome }).await;
    }

    fn longest(&self) -> Duration {
        self.provider.timeout() + MARGIN
    }

    /// Nothing is left to be found out.
    async fn known(&self, intent: Uuid) {
        self.finish_operation(OperationResult { intent, outcome: OperationOutcome::Known }).await;
    }

    /// It is found out later.
    async fn unknown(&self, intent: Uuid) {
        let now = self.inbox.clock.steady();
        self.finish_operation(OperationResult { intent, outcome: OperationOutcome::unknown(now) }).await;
        self.waiting.notify_one();
    }

    /// What can't be written now is found by its intent later.
    async fn finish_operation(&self, result: OperationResult) {
        if let Err(error) = self.inbox.store.finish_operation(result).await {
            tracing::error!(error = causes(&error), "how a call to the provider ended couldn't be noted");
        }
    }

    /// The payment as the provider has it now, recorded; `None` when it can't be asked.
    async fn reread(&self, payment: &Transaction, sender: Sender) -> Result<Option<Transaction>, OperationError> {
        match self.ask(payment).await {
            Ok(observed) => Ok(Some(self.inbox.record(observed, sender).await?.transaction)),
            Err(error) => {
                tracing::warn!(payment = %payment.id, error = %causes(&error), "the payment couldn't be read again");
                Ok(None)
            }
        }
    }

    async fn ask(&self, payment: &Transaction) -> Result<Transaction, ProviderError> {
        match (&payment.ecommerce_id, &payment.reference_number) {
            (Some(id), _) => self.provider.find(id).await,
            (None, Some(reference)) => self.provider.find_by_reference(reference).await,
            (None, None) => Err(ProviderError::NotFound),
        }
    }
}
