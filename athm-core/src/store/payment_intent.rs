//! Intents to open payments, which commit with the program's own rows.
//!
//! They are inserted in three ways: in a transaction of the program's own, by its driver or by rusqlite, and in one of athm's.
//! All three execute the statements of this file; each backend has a text of its own where their types differ.

use jiff::Timestamp;

use super::StoreFuture;
use super::own_transaction::{DriverError, SqlTransaction, SqlValue};
use crate::models::payment_intent::{BeginOpening, FinishOpening, NewIntent, NotOpening, StartedOpening, StoredIntent};
use crate::models::{Amount, IdError, StoredItems, TransactionId};
use crate::receiver::{BoxError, Database};

/// How many due intents are opened at once.
pub(crate) const MAX_DUE_INTENTS: u32 = 16;

/// The part of the store that holds intents to open payments. Times follow the rules of [`Store`](super::Store).
pub(crate) trait PaymentIntentStore {
    /// A steady time by the clock of the database's deadlines.
    fn stored_time(&self, at: Timestamp) -> StoreFuture<'_, Timestamp>;

    /// Stores an intent, or returns the one that was stored with the same key.
    fn insert_intent(&self, new: NewIntent) -> StoreFuture<'_, Result<TransactionId, KeyTaken>>;

    /// An intent.
    fn find_intent(&self, id: TransactionId) -> StoreFuture<'_, Option<StoredIntent>>;

    /// Stores that a payment is being opened, with its intent locked, or says why it isn't to be.
    fn begin_opening(&self, request: BeginOpening) -> StoreFuture<'_, Result<StartedOpening, NotOpening>>;

    /// Stores how an opening ended, unless another one has replaced it.
    fn finish_opening(&self, result: FinishOpening) -> StoreFuture<'_, ()>;

    /// Intents that are due, longest due first, at most [`MAX_DUE_INTENTS`].
    fn due_intents(&self, now: Timestamp) -> StoreFuture<'_, Vec<TransactionId>>;
}

/// The key of an intent belongs to one with another content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyTaken;

/// The statements of one backend.
pub(super) struct IntentSql {
    /// Of all values of [`values`].
    pub(super) insert: &'static str,
    /// `same` or `other`, a blank and the id of the intent that has the key: of the values of [`content`].
    pub(super) find: &'static str,
    /// Makes the intent with that key due that has failed: of the values of [`renewal`](NewIntent::renewal).
    pub(super) renew: &'static str,
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! intent_sql {
    ($id:literal, $due_at:literal, $deadline:literal, $created_at:literal, $new_due_at:literal, $new_deadline:literal) => {
        IntentSql {
            insert: concat!(
                "INSERT INTO athm_payment_intent (id, idempotency_key, total, subtotal, tax, metadata_1, metadata_2, items, ",
                "timeout, phone, due_at, deadline, created_at, state, attempts) ",
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ",
                $due_at,
                ", ",
                $deadline,
                ", ",
                $created_at,
                ", 'due', 0) ON CONFLICT (idempotency_key) DO NOTHING"
            ),
            find: concat!(
                "SELECT CASE WHEN total = $1 AND subtotal IS NOT DISTINCT FROM $2 AND tax = $3 AND metadata_1 = $4 ",
                "AND metadata_2 = $5 AND items = $6 AND timeout = $7 THEN 'same ' ELSE 'other ' END || ",
                $id,
                " FROM athm_payment_intent WHERE idempotency_key = $8"
            ),
            renew: concat!(
                "UPDATE athm_payment_intent SET state = 'due', error = NULL, due_at = ",
                $new_due_at,
                ", deadline = ",
                $new_deadline,
                ", phone = $3 WHERE idempotency_key = $4 AND state = 'failed'"
            ),
        }
    };
}

#[cfg(feature = "sqlite")]
const SQLITE: IntentSql = intent_sql!("hex(id)", "$11", "$12", "$13", "$1", "$2");
/// Drivers differ in how they send times, and not in how they send numbers: microseconds since 1970.
#[cfg(feature = "postgres")]
const POSTGRES: IntentSql = intent_sql!(
    "id::text",
    "timestamptz 'epoch' + $11::bigint * interval '1 microsecond'",
    "timestamptz 'epoch' + $12::bigint * interval '1 microsecond'",
    "timestamptz 'epoch' + $13::bigint * interval '1 microsecond'",
    "timestamptz 'epoch' + $1::bigint * interval '1 microsecond'",
    "timestamptz 'epoch' + $2::bigint * interval '1 microsecond'"
);

impl Database {
    pub(super) const fn intents(self) -> &'static IntentSql {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => &SQLITE,
            #[cfg(feature = "postgres")]
            Self::Postgres => &POSTGRES,
        }
    }
}

impl NewIntent {
    pub(super) fn values(&self) -> Vec<SqlValue<'_>> {
        let mut values = vec![SqlValue::Uuid(*self.id.as_uuid()), self.key()];
        values.extend(self.content());
        let [due_at, deadline] = self.deadlines();
        let created_at = SqlValue::Integer(Some(self.created_at.as_microsecond()));
        values.extend([self.phone(), due_at, deadline, created_at]);
        values
    }

    /// What a second intent with the same key must have in common with the first, and the key.
    pub(super) fn content_and_key(&self) -> Vec<SqlValue<'_>> {
        let mut values = self.content();
        values.push(self.key());
        values
    }

    /// The new deadlines and phone, and the key.
    pub(super) fn renewal(&self) -> Vec<SqlValue<'_>> {
        let [due_at, deadline] = self.deadlines();
        vec![due_at, deadline, self.phone(), self.key()]
    }

    fn phone(&self) -> SqlValue<'_> {
        SqlValue::Text(self.payment.phone.as_ref().map(|phone| phone.as_str().into()))
    }

    fn content(&self) -> Vec<SqlValue<'_>> {
        let payment = &self.payment;
        let integer = |amount: Amount| SqlValue::Integer(Some(amount.cents()));
        vec![
            integer(payment.total),
            SqlValue::Integer(payment.subtotal.map(Amount::cents)),
            integer(payment.tax),
            SqlValue::Text(Some(payment.metadata_1.as_str().into())),
            SqlValue::Text(Some(payment.metadata_2.as_str().into())),
            SqlValue::Text(Some(StoredItems(payment.items.clone()).to_string().into())),
            SqlValue::Integer(Some(i64::try_from(payment.timeout.as_secs()).unwrap_or(i64::MAX))),
        ]
    }

    fn key(&self) -> SqlValue<'_> {
        SqlValue::Text(self.payment.idempotency_key.as_deref().map(Into::into))
    }

    fn deadlines(&self) -> [SqlValue<'static>; 2] {
        [self.due_at, self.deadline].map(|at| SqlValue::Integer(Some(at.as_microsecond())))
    }

    /// Of what `find` answers: the id, unless the content is another.
    pub(super) fn found(&self, answer: Option<&str>) -> Result<Result<TransactionId, KeyTaken>, IdError> {
        match answer.and_then(|answer| answer.split_once(' ')) {
            Some(("same", id)) => id.parse().map(Ok),
            Some(_) => Ok(Err(KeyTaken)),
            // The other one was deleted meanwhile, which athm never does.
            None => Ok(Ok(self.id)),
        }
    }
}

/// Why an intent isn't stored in a transaction of the program's own.
#[derive(Debug)]
pub(crate) enum InsertIntentError {
    OtherDatabase,
    KeyTaken,
    Database(BoxError),
}

impl From<DriverError> for InsertIntentError {
    fn from(error: DriverError) -> Self {
        if error.is_without_tables { Self::OtherDatabase } else { Self::Database(error.source) }
    }
}

impl From<IdError> for InsertIntentError {
    fn from(error: IdError) -> Self {
        Self::Database(error.into())
    }
}

/// Stores an intent in a transaction of the program's own, or finds the one that has its key.
pub(crate) async fn insert_in<T: SqlTransaction>(
    transaction: &mut T,
    new: &NewIntent,
) -> Result<TransactionId, InsertIntentError> {
    let sql = T::DATABASE.intents();
    if transaction.execute(sql.insert, &new.values()).await? == 1 {
        return Ok(new.id);
    }
    let found = transaction.text(sql.find, &new.content_and_key()).await?;
    let id = new.found(found.as_deref())?.map_err(|KeyTaken| InsertIntentError::KeyTaken)?;
    transaction.execute(sql.renew, &new.renewal()).await?;
    Ok(id)
}

/// The same in a transaction of rusqlite's, the program's or athm's own.
#[cfg(feature = "sqlite")]
pub(crate) fn insert_in_rusqlite(
    connection: &rusqlite::Connection,
    new: &NewIntent,
) -> Result<TransactionId, InsertIntentError> {
    use super::sqlite::own_transaction::{execute, text};

    let sql = Database::Sqlite.intents();
    if execute(connection, sql.insert, &new.values())? == 1 {
        return Ok(new.id);
    }
    let found = text(connection, sql.find, &new.content_and_key())?;
    let id = new.found(found.as_deref())?.map_err(|KeyTaken| InsertIntentError::KeyTaken)?;
    execute(connection, sql.renew, &new.renewal())?;
    Ok(id)
}
