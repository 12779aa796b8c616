//! What can go wrong with a statement, by what to do about it.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::receiver::BoxError;
use crate::store::{SharedError, StoreError};

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// Why something wasn't written or read.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// By a rule, before anything was written. Other writes of the batch aren't affected.
    Refused(StoreError),
    /// Another process was in the way: the same statements may succeed the next time.
    Contention(StoreError),
    /// Another session has locked a row or a table, and didn't let go of it in time.
    Locked(StoreError),
    /// The server can't do it now: a statement was cancelled, its disk or its memory is full.
    Passing(StoreError),
    /// The connection can't be used any more. Nothing was committed.
    Lost(StoreError),
    /// The connection was lost while the server was asked to commit: it may or may not have.
    Unknown(StoreError),
    /// The server refuses one of the statements: the same statement will fail again.
    Failed(StoreError),
    /// An earlier statement of the same transaction failed, which is the fault that matters.
    Aborted(StoreError),
}

impl Fault {
    /// The server didn't answer in time.
    pub(super) fn timed_out() -> Self {
        Self::Unknown(StoreError::database("the server didn't answer in time"))
    }

    /// A row was deleted since it was read.
    pub(super) fn row_deleted() -> Self {
        Self::Contention(StoreError::database("another process deleted a row meanwhile"))
    }

    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Refused(error)
            | Self::Contention(error)
            | Self::Locked(error)
            | Self::Passing(error)
            | Self::Lost(error)
            | Self::Unknown(error)
            | Self::Failed(error)
            | Self::Aborted(error) => error,
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Unknown(_))
    }

    /// Whether the same statements may succeed later.
    pub(super) fn is_temporary(&self) -> bool {
        self.is_lost() || matches!(self, Self::Contention(_) | Self::Locked(_) | Self::Passing(_))
    }

    /// Of two faults of one batch, the one that caused the other.
    pub(super) fn or_cause(self, other: Self) -> Self {
        if matches!(self, Self::Aborted(_)) { other } else { self }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let Some(code) = error.code().cloned() else {
            let is_lost = error.is_closed() || is_io(&error);
            let shown = StoreError::database(error);
            return if is_lost { Self::Lost(shown) } else { Self::Failed(shown) };
        };
        let shown = StoreError::database(ServerError::of(&error, &code));
        match code {
            // A unique violation is another process that inserted the payment between our read and our insert, a foreign key
            // violation one that deleted the row: the next try reads what is there now.
            SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::UNIQUE_VIOLATION
            | SqlState::FOREIGN_KEY_VIOLATION => Self::Contention(shown),
            SqlState::LOCK_NOT_AVAILABLE => Self::Locked(shown),
            SqlState::IN_FAILED_SQL_TRANSACTION => Self::Aborted(shown),
            // The server has become a standby, a table was altered under a prepared statement, or the server has dropped the
            // statement (a pooler, `DISCARD ALL`), or the transaction: a new connection helps.
            SqlState::READ_ONLY_SQL_TRANSACTION
            | SqlState::FEATURE_NOT_SUPPORTED
            | SqlState::INVALID_SQL_STATEMENT_NAME
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Self::Lost(shown),
            SqlState::QUERY_CANCELED => Self::Passing(shown),
            other => match other.code() {
                // Newer servers' timeout of a transaction.
                "25P04" => Self::Lost(shown),
                // Class 08 is connection exceptions, 57P an operator's intervention.
                code if code.starts_with("08") || code.starts_with("57P") => Self::Lost(shown),
                // Class 53 is insufficient resources, 58 errors of the server's system.
                code if code.starts_with("53") || code.starts_with("58") => Self::Passing(shown),
                _ => Self::Failed(shown),
            },
        }
    }
}

/// Whether reading from or writing to the connection failed. Values that can't be encoded are reported as an I/O error
/// too, of the kind `InvalidInput`.
fn is_io(error: &Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|io| io.kind() != io::ErrorKind::InvalidInput)
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Failed(StoreError::Damaged(SharedError::new(error)))
    }
}

/// An error that the server reports, without its details: they may contain values of a row.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
pub(super) struct ServerError {
    message: String,
    code: String,
}

impl ServerError {
    pub(super) fn of(error: &Error, code: &SqlState) -> Self {
        let message = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        Self { message, code: code.code().to_owned() }
    }
}

/// A column holds a value that no version of athm writes.
#[derive(Debug, thiserror::Error)]
#[error("column {column} can't be read")]
pub(super) struct Unreadable {
    pub(super) column: usize,
    pub(super) source: BoxError,
}
