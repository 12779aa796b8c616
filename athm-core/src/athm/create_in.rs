//! Payments that are opened after a commit of the program's own.

use std::fmt;

use super::Athm;
use crate::models::{IntentState, NewPayment, Transaction, TransactionId};
use crate::operations::{OperationError, Operations};
use crate::receiver::Database;
use crate::store::StoreError;
use crate::store::own_transaction::SqlTransaction;
use crate::store::payment_intent::insert_in;

/// A payment that is to be opened once your own transaction has committed: [`Athm::create_in`].
///
/// ```no_run
/// # async fn press(athm: athm_core::Athm, tx: &mut impl athm_core::sql::SqlTransaction) -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::{Amount, NewPayment};
///
/// let payment = NewPayment::new(Amount::from_cents(2500), "order-7").idempotency_key("order-7");
/// let intent = athm.create_in(tx, payment).await?;
/// // Insert the order with `intent.id()`, commit, and then:
/// let opened = intent.open().await?;
/// println!("have the customer approve {:?}", opened.ecommerce_id());
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "open it once your transaction has committed; if you don't, athm does within 5 s"]
pub struct PaymentIntent {
    athm: Athm,
    id: TransactionId,
}

impl Athm {
    /// Writes the intent to open a payment in a database transaction of your own, so that it commits with the order's row. No
    /// call is made, and nothing is opened, unless that transaction commits.
    ///
    /// After the commit, [`open`](PaymentIntent::open) opens it. If your program doesn't, because it ended in between, athm
    /// opens it within 5 seconds, and goes on trying until its deadline: the payment's
    /// [`timeout`](NewPayment::timeout), counted from this call. What isn't opened by then has failed within a minute, and no
    /// money can move for it. With an [`idempotency_key`](NewPayment::idempotency_key), the same order pressed twice opens one payment.
    ///
    /// The [id](PaymentIntent::id) is the payment's from the beginning: write it into the order's row, in the same
    /// transaction.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: have the transaction roll back. [`KeyTaken`](OperationError::KeyTaken) for a key that belongs to a
    /// payment with another content.
    pub async fn create_in<T: SqlTransaction>(
        &self,
        transaction: &mut T,
        payment: NewPayment,
    ) -> Result<PaymentIntent, OperationError> {
        let operations = self.operations_on(T::DATABASE)?;
        let intent = operations.new_intent(payment).await?;
        let id = insert_in(transaction, &intent).await?;
        Ok(PaymentIntent { athm: self.clone(), id })
    }

    /// As [`create_in`](Self::create_in), in a transaction of rusqlite's: it can't be held across an `.await`.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: have the transaction roll back.
    #[cfg(feature = "sqlite")]
    pub fn create_in_rusqlite(
        &self,
        transaction: &rusqlite::Transaction<'_>,
        payment: NewPayment,
    ) -> Result<PaymentIntent, OperationError> {
        let intent = self.operations_on(Database::Sqlite)?.intent_here(payment)?;
        let id = crate::store::payment_intent::insert_in_rusqlite(transaction, &intent)?;
        Ok(PaymentIntent { athm: self.clone(), id })
    }

    /// The intent that was written with that id; `None` if there is none, or it isn't committed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn payment_intent(&self, id: TransactionId) -> Result<Option<PaymentIntent>, StoreError> {
        Ok(self.store().find_intent(id).await?.map(|_| PaymentIntent { athm: self.clone(), id }))
    }

    fn operations_on(&self, database: Database) -> Result<&Operations, OperationError> {
        let operations = self.0.operations.as_ref().ok_or(OperationError::NoProvider)?;
        if self.store().database() == database { Ok(operations) } else { Err(OperationError::OtherDatabase) }
    }
}

impl PaymentIntent {
    /// The id that the payment has, as soon as it is opened. With a key that was used before, it is the first one's.
    #[must_use]
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// Opens the payment at the provider and records it, or returns it if it is opened already. Safe to call again, and at
    /// the same time from anywhere: one caller asks the provider, the others wait. Commit your transaction first.
    ///
    /// # Errors
    ///
    /// [`OperationError`]. [`NotCommitted`](OperationError::NotCommitted) before the commit, and after a rollback;
    /// [`NotOpened`](OperationError::NotOpened) once it has failed for good;
    /// [`NotOpenedYet`](OperationError::NotOpenedYet) while athm tries again by itself, until the deadline: open no other for
    /// that order.
    pub async fn open(&self) -> Result<Transaction, OperationError> {
        let id = self.id;
        self.athm.operate(move |operations| async move { operations.open(id).await }).await
    }

    /// How it stands; `None` if it isn't committed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn state(&self) -> Result<Option<IntentState>, StoreError> {
        Ok(self.athm.store().find_intent(self.id).await?.map(|intent| intent.state))
    }
}

impl fmt::Debug for PaymentIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentIntent").field("id", &self.id).finish_non_exhaustive()
    }
}
