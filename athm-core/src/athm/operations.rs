//! What we ask the provider to do.

use super::{Athm, OperationError};
use crate::operations::Operations;
use crate::{NewPayment, PhoneNumber, Transaction, TransactionId};

impl Athm {
    /// Opens a payment at the provider and records it, with what authorizes it later.
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Whatever happened, no money can move for it: a new payment may be opened.
    pub async fn create(&self, payment: NewPayment) -> Result<Transaction, OperationError> {
        self.operate(|operations| async move { operations.create(&payment).await }).await
    }

    /// Moves the money of a payment that the customer has approved. Its signals fire when it succeeds.
    ///
    /// Safe to call again, and at the same time from anywhere: one call to the provider is made, the others wait for it.
    /// A payment that is completed already is returned as it is.
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Where the outcome is unknown, the payment is read again until it is known, also after a
    /// restart; if the provider still waits for it 30 seconds later, it is authorized once more.
    pub async fn authorize(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.operate(move |operations| async move { operations.authorize(id).await }).await
    }

    /// Cancels a payment that isn't completed. Its signals fire when it succeeds.
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Where the outcome is unknown, the payment is read again until it is known.
    pub async fn cancel(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.operate(move |operations| async move { operations.cancel(id).await }).await
    }

    /// Gives an open payment to another phone, for checkouts of your own.
    ///
    /// # Errors
    ///
    /// [`OperationError`]. The provider doesn't show a payment's phone: where the outcome is unknown, call it again.
    pub async fn update_phone(&self, id: TransactionId, phone: PhoneNumber) -> Result<(), OperationError> {
        self.operate(move |operations| async move { operations.update_phone(id, &phone).await }).await
    }

    /// Runs to its end whether or not the caller still waits: half an authorization helps nobody.
    async fn operate<T, F>(&self, operation: impl FnOnce(Operations) -> F) -> Result<T, OperationError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, OperationError>> + Send + 'static,
    {
        let operations = self.0.operations.clone().ok_or(OperationError::NoProvider)?;
        self.spawn(operation(operations)).await.unwrap_or(Err(OperationError::Closed))
    }
}
