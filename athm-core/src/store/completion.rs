//! Completing a delivery in a transaction of the program's own.
//!
//! The delivery's row changes from `running` to `succeeded` in the transaction that has the receiver's rows: both commit, or
//! neither does. The statement names the claim. An attempt whose lease was taken over finds no such row, and its transaction
//! must roll back; one that found its row has it locked until it commits, so that no claim can take it over meanwhile.
//!
//! An example: process A stands still for a minute, and process B claims the delivery. B's transaction inserts the parcel and
//! completes the delivery. A wakes up, inserts the parcel, and asks to complete: the row has B's claim, A gets an error, and
//! its parcel is rolled back.

use uuid::Uuid;

use super::own_transaction::{DriverError, SqlTransaction, SqlValue};
use crate::models::DeliveryId;
use crate::receiver::completion_requests::request_completion;
use crate::receiver::{BoxError, Database, Delivery, DeliveryClaim};

/// One text for both databases. The claim of a suspect has counted the attempt already. No process's clock is known here, so
/// that the delivery counts as finished when its lease would have ended, within half a minute: only pruning reads that.
const COMPLETE: &str = "UPDATE athm_delivery SET state = 'succeeded', finished_at = due_at, \
    attempts = attempts + (CASE WHEN interruptions >= 2 THEN 0 ELSE 1 END), interruptions = 0, error = NULL \
    WHERE id = $1 AND claim = $2 AND state = 'running'";

/// The state of a delivery that the statement above didn't find; `other` if another attempt has claimed it since. SQLite
/// numbers parameters as they appear: the claim comes first here.
const STATE: &str = "SELECT CASE WHEN claim = $1 THEN state ELSE 'other' END FROM athm_delivery WHERE id = $2";

/// For the worker, on a connection of athm's own.
pub(super) const IS_COMPLETED: &str =
    "SELECT EXISTS (SELECT 1 FROM athm_delivery WHERE id = $1 AND claim = $2 AND state = 'succeeded')";

/// The statement that completes a delivery, for a driver that athm doesn't know: [`Delivery::completion`].
///
/// ```
/// use athm_core::{BoxError, Delivery};
///
/// # struct Transaction;
/// # impl Transaction { fn execute(&mut self, _: &str, _: &[athm_core::ids::DeliveryId]) -> Result<u64, BoxError> { Ok(1) } }
/// fn complete(delivery: &Delivery, tx: &mut Transaction) -> Result<(), BoxError> {
///     let completion = delivery.completion()?;
///     let changed = tx.execute(completion.statement(), &completion.values().map(Into::into))?;
///     Ok(completion.check(changed)?)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the statement is executed by a transaction of yours"]
pub struct Completion {
    delivery: DeliveryId,
    claim: Uuid,
}

impl Completion {
    /// The SQL, with `$1` and `$2` for the [values](Self::values). It is the same on PostgreSQL and SQLite.
    #[must_use]
    pub const fn statement(&self) -> &'static str {
        COMPLETE
    }

    /// The values for `$1` and `$2`: UUIDs on PostgreSQL, blobs of their 16 bytes on SQLite.
    #[must_use]
    pub const fn values(&self) -> [Uuid; 2] {
        [*self.delivery.as_uuid(), self.claim]
    }

    /// Checks how many rows the statement changed: it must be one.
    ///
    /// # Errors
    ///
    /// [`CompletionError::NotHeld`] for any other number: have the transaction roll back.
    pub const fn check(&self, changed_rows: u64) -> Result<(), CompletionError> {
        if changed_rows == 1 { Ok(()) } else { Err(CompletionError::NotHeld) }
    }

    fn bound(&self) -> [SqlValue<'static>; 2] {
        self.values().map(SqlValue::Uuid)
    }

    fn bound_to_state(&self) -> [SqlValue<'static>; 2] {
        let [delivery, claim] = self.bound();
        [claim, delivery]
    }
}

impl Delivery {
    /// Completes the delivery in a database transaction of your own: it is acknowledged if, and only if, that transaction
    /// commits. So a receiver whose effect is rows in athm's database has its effect exactly once.
    ///
    /// The transaction is one of tokio-postgres (feature `postgres`), or of sqlx (features `sqlx-postgres` and `sqlx-sqlite`).
    /// rusqlite's has [`complete_in_rusqlite`](Self::complete_in_rusqlite); every other driver executes
    /// [`completion`](Self::completion). The guide page [Exactly once](crate::guide::exactly_once) has examples of each.
    ///
    /// Commit after it, and return `Ok`. If the transaction doesn't commit, the delivery runs again, whatever the receiver
    /// returns; if it does, the delivery is completed, whatever the receiver returns. The log warns of both.
    ///
    /// Within [`testing::call`](crate::testing::call) it does nothing, and succeeds.
    ///
    /// # Errors
    ///
    /// [`CompletionError`]: have the transaction roll back, as `?` does. A late attempt gets
    /// [`TakenOver`](CompletionError::TakenOver): another one has taken its place.
    pub async fn complete_in<T: SqlTransaction>(&self, transaction: &mut T) -> Result<(), CompletionError> {
        let Some(completion) = self.completion_on(T::DATABASE)? else { return Ok(()) };
        if transaction.execute(COMPLETE, &completion.bound()).await? == 1 {
            return Ok(());
        }
        Err(CompletionError::of(transaction.text(STATE, &completion.bound_to_state()).await?.as_deref()))
    }

    /// As [`complete_in`](Self::complete_in), in a transaction of rusqlite's: for sync receivers, because such a transaction
    /// can't be held across an `.await`.
    ///
    /// ```
    /// use athm_core::{BoxError, Delivery, Transaction, receiver};
    /// # fn open() -> Result<rusqlite::Connection, rusqlite::Error> { rusqlite::Connection::open_in_memory() }
    ///
    /// #[receiver(completed, blocking)]
    /// fn fulfil(transaction: &Transaction, delivery: Delivery) -> Result<(), BoxError> {
    ///     let mut connection = open()?; // on athm's file
    ///     let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    ///     tx.execute("UPDATE orders SET state = 'paid' WHERE payment = ?1", [transaction.id().as_uuid().as_bytes()])?;
    ///     delivery.complete_in_rusqlite(&tx)?;
    ///     Ok(tx.commit()?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CompletionError`]: have the transaction roll back, as `?` does.
    #[cfg(feature = "sqlite")]
    pub fn complete_in_rusqlite(&self, transaction: &rusqlite::Transaction<'_>) -> Result<(), CompletionError> {
        use super::sqlite::own_transaction::{execute, text};

        let Some(completion) = self.completion_on(Database::Sqlite)? else { return Ok(()) };
        if execute(transaction, COMPLETE, &completion.bound())? == 1 {
            return Ok(());
        }
        Err(CompletionError::of(text(transaction, STATE, &completion.bound_to_state())?.as_deref()))
    }

    /// The statement that completes the delivery, with its values: for a transaction of any driver. See
    /// [`complete_in`](Self::complete_in) for what it means.
    ///
    /// # Errors
    ///
    /// [`CompletionError::ByHand`] where nothing is stored: in a dispatch by hand, and within
    /// [`testing::call`](crate::testing::call).
    pub fn completion(&self) -> Result<Completion, CompletionError> {
        match self.claim {
            DeliveryClaim::ByHand | DeliveryClaim::Pretended => Err(CompletionError::ByHand),
            DeliveryClaim::Held { claim, .. } => {
                request_completion(self.id, claim);
                Ok(Completion { delivery: self.id, claim })
            }
        }
    }

    /// `None` where a test pretends to deliver.
    fn completion_on(&self, database: Database) -> Result<Option<Completion>, CompletionError> {
        match self.claim {
            DeliveryClaim::Pretended => Ok(None),
            DeliveryClaim::Held { database: of_athm, .. } if of_athm != database => Err(CompletionError::OtherDatabase),
            DeliveryClaim::ByHand | DeliveryClaim::Held { .. } => self.completion().map(Some),
        }
    }
}

/// Why a delivery isn't completed in a transaction. Have the transaction roll back.
///
/// ```
/// use athm_core::errors::CompletionError;
///
/// fn is_a_mistake_of_the_program(error: &CompletionError) -> bool {
///     !matches!(error, CompletionError::TakenOver | CompletionError::NotHeld | CompletionError::Database(_))
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompletionError {
    /// The receiver runs in a dispatch by hand, which stores no delivery.
    #[error(
        "a dispatch by hand stores no delivery that could be completed: have the payment recorded, with `Athm::record`"
    )]
    ByHand,
    /// The transaction is on another database than the one that athm stores deliveries in.
    #[error("the transaction is on another database than athm's: a delivery is completed where it is stored")]
    OtherDatabase,
    /// It was completed already, in this transaction or in an earlier one.
    #[error("the delivery is completed already: a delivery is completed once")]
    AlreadyCompleted,
    /// This attempt's lease has ended, and the delivery was given to another attempt, perhaps of another process.
    #[error(
        "the attempt's lease has ended, and another attempt has taken the delivery over: roll this transaction back"
    )]
    TakenOver,
    /// The [statement](Completion::statement) changed no row. Any of the reasons above.
    #[error(
        "the attempt doesn't hold the delivery any more, has completed it already, or the transaction is on another database: \
         roll this transaction back"
    )]
    NotHeld,
    /// The database refused a statement, or can't be reached.
    #[error("the delivery couldn't be completed in this transaction")]
    Database(#[source] BoxError),
}

impl CompletionError {
    /// By the state of the delivery, if it is there.
    fn of(state: Option<&str>) -> Self {
        match state {
            None => Self::OtherDatabase,
            Some("succeeded") => Self::AlreadyCompleted,
            Some(_) => Self::TakenOver,
        }
    }
}

impl From<DriverError> for CompletionError {
    fn from(error: DriverError) -> Self {
        if error.is_without_tables { Self::OtherDatabase } else { Self::Database(error.source) }
    }
}
