//! What the program asks of the provider: create, authorize, cancel, update the phone, refund.
//!
//! No operation has an idempotency key at the provider, so a call whose answer was lost must not be repeated blindly. Each
//! operation but `create` therefore takes three steps:
//!
//! 1. Under the payment's lock, its *intent* is stored and committed, or the operation is refused
//!    ([`BeginOperation::decide`](crate::models::operation) has the rules).
//! 2. The provider is called, with no lock and no database transaction held.
//! 3. The intent is deleted once the outcome is known.
//!
//! An intent that is left (the answer never came, or the process died) is an *unresolved* operation: [`recover`] reads the
//! payment again until the provider shows the outcome.

mod authorize;
mod cancel;
mod create;
mod error;
mod open;
mod phone;
mod recover;
mod refresh;
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
    Amount, AttemptKind, BeginError, BeginOperation, BeginResult, Initiator, Operation, OperationOutcome,
    OperationResult, Sender, StartedOperation, Transaction, TransactionId,
};
use crate::provider::{Client, ProviderError, WebhookSubscription};
use crate::store::StoreError;
use crate::util::clock::later;
use crate::util::schedule::RunRequests;
use crate::util::text::causes;

/// How much longer than the client's timeout a call may take before it counts as ended.
const CALL_MARGIN: Duration = Duration::from_secs(5);
/// How often a caller that waits for another caller's operation checks whether it has ended.
const WAIT_INTERVAL: Duration = Duration::from_millis(50);

/// Carries out operations on payments.
#[derive(Clone)]
pub(crate) struct Operations {
    inbox: Inbox,
    provider: Client,
    /// Notified when an operation is left unresolved.
    unresolved: Arc<Notify>,
    /// Where a run of [`recover`] can be requested, and of [`open`].
    recovery: RunRequests,
    opening: RunRequests,
}

impl Operations {
    /// The client sends each request once. A payment that can't be read after a call is read later, by [`recover`].
    pub(crate) fn new(inbox: Inbox, provider: &Client) -> Self {
        Self {
            inbox,
            provider: provider.sending_once(),
            unresolved: Arc::default(),
            recovery: RunRequests::default(),
            opening: RunRequests::default(),
        }
    }

    pub(crate) fn requests(&self) -> [RunRequests; 2] {
        [self.recovery.clone(), self.opening.clone()]
    }

    /// Stores the intent of an operation, or says why it may not begin. While another operation of the payment is under
    /// way, in any process, this waits for as long as a call may take.
    async fn begin(
        &self,
        transaction: TransactionId,
        operation: Operation,
        kind: AttemptKind,
        initiator: Initiator,
        amount: Option<Amount>,
    ) -> Result<BeginResult, OperationError> {
        let wait_until = Instant::now() + self.longest_call();
        loop {
            let (requested_at, now) = (self.inbox.clock.now(), self.inbox.clock.steady());
            let ends_at = later(now, self.longest_call());
            let begin = BeginOperation { transaction, operation, kind, initiator, amount, requested_at, now, ends_at };
            match self.inbox.store.begin_operation(begin).await? {
                Err(BeginError::UnderWay) if Instant::now() < wait_until => sleep(WAIT_INTERVAL).await,
                Err(BeginError::UnderWay) => return Err(OperationError::UnderWay { id: transaction }),
                Err(BeginError::NoSuchPayment) => return Err(OperationError::UnknownTransaction { id: transaction }),
                // The commit took so long that other processes could count the call as ended while it is under way.
                Ok(started) if self.inbox.clock.steady() > later(now, CALL_MARGIN) => {
                    self.withdraw(started).await;
                    return Err(StoreError::Busy.into());
                }
                begun => return Ok(begun),
            }
        }
    }

    /// Deletes an intent whose call was never made.
    async fn withdraw(&self, started: StartedOperation) {
        let outcome = if started.refund.is_some() { OperationOutcome::NotDone } else { OperationOutcome::Known };
        self.finish(OperationResult { intent_id: started.intent_id, outcome }).await;
    }

    /// Has the provider post every event to that address.
    pub(crate) async fn subscribe_webhook(&self, url: String) -> Result<(), OperationError> {
        Ok(self.provider.subscribe_webhook(&WebhookSubscription::new(url)).await?)
    }

    /// How long a call to the provider may take until it counts as ended.
    fn longest_call(&self) -> Duration {
        self.provider.timeout() + CALL_MARGIN
    }

    /// The outcome is known: the intent is deleted.
    async fn resolve(&self, intent_id: Uuid) {
        self.finish(OperationResult { intent_id, outcome: OperationOutcome::Known }).await;
    }

    /// The outcome is unknown: the intent stays, and [`recover`] looks into it.
    async fn leave_unresolved(&self, intent_id: Uuid) {
        let now = self.inbox.clock.steady();
        self.finish(OperationResult { intent_id, outcome: OperationOutcome::unknown(now) }).await;
        self.unresolved.notify_one();
    }

    /// A result that can't be stored now loses nothing: the intent is still there, and counts as unresolved later.
    async fn finish(&self, result: OperationResult) {
        if let Err(error) = self.inbox.store.finish_operation(result).await {
            tracing::error!(error = causes(&error), "the outcome of a call to the provider couldn't be stored");
        }
    }

    /// Reads the payment from the provider, and records the answer; `None` when the provider can't be asked.
    async fn refresh(&self, payment: &Transaction, sender: Sender) -> Result<Option<Transaction>, OperationError> {
        match self.find(payment).await {
            Ok(observed) => Ok(Some(self.inbox.record(observed, sender).await?.transaction)),
            Err(error) => {
                tracing::warn!(payment = %payment.id, error = %causes(&error), "the payment couldn't be read from the provider");
                Ok(None)
            }
        }
    }

    async fn find(&self, payment: &Transaction) -> Result<Transaction, ProviderError> {
        match (&payment.ecommerce_id, &payment.reference_number) {
            (Some(id), _) => self.provider.find(id).await,
            (None, Some(reference)) => self.provider.find_by_reference(reference).await,
            (None, None) => Err(ProviderError::NotFound),
        }
    }
}
