//! The operations of the handle.

use super::{Athm, Refunds};
use crate::models::{Initiator, NewPayment, NewRefund, PhoneNumber, RefundRecord, Transaction, TransactionId};
use crate::operations::{OperationError, Operations};

impl Athm {
    /// Opens a payment at the provider and records it, with what authorizes it later.
    ///
    /// ```no_run
    /// # async fn check_out(athm: athm_core::Athm) -> Result<(), athm_core::errors::OperationError> {
    /// use athm_core::{Amount, NewPayment};
    ///
    /// let payment = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await?;
    /// println!("have the customer approve {:?}", payment.ecommerce_id());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Whatever happened, no money can move for it: a new payment may be opened.
    pub async fn create(&self, payment: NewPayment) -> Result<Transaction, OperationError> {
        self.operate(|operations| async move { operations.create(payment).await }).await
    }

    /// Moves the money of a payment that the customer has approved. Its signals fire when it succeeds.
    ///
    /// Safe to call again, and at the same time from anywhere: one call to the provider is made, the others wait for it.
    /// A payment that is completed already is returned as it is.
    ///
    /// ```no_run
    /// # async fn pay(athm: athm_core::Athm, payment: athm_core::ids::TransactionId) {
    /// use athm_core::errors::OperationError;
    ///
    /// match athm.authorize(payment).await {
    ///     Ok(transaction) => println!("{} was paid", transaction.total()),
    ///     Err(OperationError::Ended { status, .. }) => println!("it is {status}, and can't be paid any more"),
    ///     Err(error) => println!("ask again: {error}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Where the outcome is unknown, the payment is read again until it is known, also after a
    /// restart; if the provider still waits for it 30 seconds later, it is authorized once more.
    pub async fn authorize(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.operate(move |operations| async move { operations.authorize(id, Initiator::Program).await }).await
    }

    /// Cancels a payment that isn't completed. Its signals fire when it succeeds.
    ///
    /// ```no_run
    /// # async fn give_up(athm: athm_core::Athm, payment: athm_core::ids::TransactionId) {
    /// use athm_core::errors::OperationError;
    /// use athm_core::NewRefund;
    ///
    /// if let Err(OperationError::Completed { id }) = athm.cancel(payment).await {
    ///     let _ = athm.refund(id, NewRefund::full()).await;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Where the outcome is unknown, the cancel is sent again until the payment has ended, also after a
    /// restart.
    pub async fn cancel(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.operate(move |operations| async move { operations.cancel(id).await }).await
    }

    /// Gives an open payment to another phone, for checkouts of your own.
    ///
    /// ```no_run
    /// # async fn other_phone(athm: athm_core::Athm, payment: athm_core::ids::TransactionId) -> Result<(), Box<dyn std::error::Error>> {
    /// athm.update_phone(payment, "7875550123".parse()?).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError`]. The provider doesn't show a payment's phone: where the outcome is unknown, call it again.
    pub async fn update_phone(&self, id: TransactionId, phone: PhoneNumber) -> Result<(), OperationError> {
        self.operate(move |operations| async move { operations.update_phone(id, &phone).await }).await
    }

    /// Gives money back, all or a part of it. The signal `refunded` fires when it succeeds.
    ///
    /// The provider is asked once, and never for more than is left: the amount is reserved first. Two refunds at the same
    /// time are made one after the other.
    ///
    /// ```no_run
    /// # async fn give_back(athm: athm_core::Athm, payment: athm_core::ids::TransactionId) {
    /// use athm_core::errors::OperationError;
    /// use athm_core::{Amount, NewRefund};
    ///
    /// let one_mug = NewRefund::partial(Amount::from_cents(1250)).message("One mug was broken");
    /// match athm.refund(payment, one_mug).await {
    ///     Ok(refund) => println!("{} was given back", refund.amount),
    ///     Err(OperationError::RefundUnknown { refund, .. }) => println!("{refund} may have been made: don't repeat it"),
    ///     Err(error) => println!("nothing was given back: {error}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Where the outcome is unknown ([`RefundUnknown`](OperationError::RefundUnknown)), the amount
    /// stays reserved and further refunds of the payment are refused
    /// ([`RefundPending`](OperationError::RefundPending)) until the provider shows the outcome, or a person
    /// [resolves](Refunds::resolve) it.
    pub async fn refund(&self, id: TransactionId, refund: NewRefund) -> Result<RefundRecord, OperationError> {
        self.operate(move |operations| async move { operations.refund(id, &refund).await }).await
    }

    /// Has the provider post every event to an address, in place of any subscribed before: that of your webhook, as the world
    /// knows it. The provider keeps it, so once is enough; to call it again, at each start for example, does no harm.
    ///
    /// With a [secret](crate::AthmBuilder::webhook_secret), the address ends with it. For some events alone, there is
    /// [`Client::subscribe_webhook`](crate::provider::Client::subscribe_webhook).
    ///
    /// ```no_run
    /// # async fn subscribe(athm: athm_core::Athm) -> Result<(), athm_core::errors::OperationError> {
    /// athm.subscribe_webhook("https://shop.example/athm/webhook/k3J9-vQ2m_T7xW4z").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError::Provider`]: the address isn't `https` (plain `http` is for a simulator), or the provider refused it
    /// or couldn't be reached.
    pub async fn subscribe_webhook(&self, url: impl Into<String>) -> Result<(), OperationError> {
        let url = url.into();
        let last = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if !self.0.webhook_secrets.is_empty() && !self.0.webhook_secrets.iter().any(|secret| secret.matches(last)) {
            tracing::warn!(
                "the webhook's address doesn't end with its secret: unless a proxy adds it, all of its events are answered 404"
            );
        }
        self.operate(|operations| async move { operations.subscribe_webhook(url).await }).await
    }

    /// The refunds of payments, and those that need a person.
    ///
    /// ```no_run
    /// # async fn count(athm: athm_core::Athm) -> Result<(), athm_core::errors::StoreError> {
    /// println!("{} refunds need a person", athm.refunds().unresolved().await?.len());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn refunds(&self) -> Refunds<'_> {
        Refunds { athm: self }
    }

    /// Accepts the total of a payment whose total at the provider isn't the one that it was opened with. A completed payment
    /// fires `completed` now; an approved one may be authorized from now on.
    ///
    /// Safe to call again. Only the total that is recorded now is accepted: if the provider reports yet another one later,
    /// the payment is a mismatch again.
    ///
    /// ```no_run
    /// # async fn accept(athm: athm_core::Athm, payment: athm_core::ids::TransactionId) -> Result<(), athm_core::errors::OperationError> {
    /// let accepted = athm.accept_mismatch(payment).await?;
    /// println!("{} in place of {:?}", accepted.total(), accepted.expected_total());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError::UnknownTransaction`] and [`OperationError::Store`].
    pub async fn accept_mismatch(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        let payment = self.transaction(id).await?.ok_or(OperationError::UnknownTransaction { id })?;
        let recorded = self.0.inbox.accept_mismatch(payment).await?;
        self.wake();
        Ok(recorded.transaction)
    }

    /// Runs an operation to its end even if the caller stops waiting: it must not stop between the call and its record.
    pub(super) async fn operate<T, F>(&self, operation: impl FnOnce(Operations) -> F) -> Result<T, OperationError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, OperationError>> + Send + 'static,
    {
        let operations = self.0.operations.clone().ok_or(OperationError::NoProvider)?;
        self.spawn(operation(operations)).await.unwrap_or(Err(OperationError::Closed))
    }
}
