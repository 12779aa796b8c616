//! What can go wrong with a statement, by what is to be done about it.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::receiver::BoxError;
use crate::store::StoreError;
use crate::util::text::causes;

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// Why something wasn't written or read.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// PaymentLookup a rule, before anything was written: it concerns its caller alone.
    Refused(StoreError),
    /// Another process was in the way: the same thing may succeed the next time.
    Contention(StoreError),
    /// The connection is of no use any more.
    Lost(StoreError),
    /// The connection was lost while the server was to commit: nobody knows whether it has.
    Unknown(StoreError),
    /// The server refuses one of the statements.
    Failed(StoreError),
    /// An earlier statement of the same database transaction went wrong.
    Aborted(StoreError),
}

impl Fault {
    /// The server didn't answer in time.
    pub(super) fn slow() -> Self {
        Self::Unknown(StoreError::database("the server didn't answer in time"))
    }

    /// A row isn't there any more.
    pub(super) fn gone() -> Self {
        Self::Contention(StoreError::database("another process has taken a row away"))
    }

    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Refused(error)
            | Self::Contention(error)
            | Self::Lost(error)
            | Self::Unknown(error)
            | Self::Failed(error)
            | Self::Aborted(error) => error,
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Unknown(_))
    }

    /// Whether the same thing may succeed later.
    pub(super) fn may_pass(&self) -> bool {
        self.is_lost() || matches!(self, Self::Contention(_))
    }

    /// Of several, that which caused the others.
    pub(super) fn or_cause(self, other: Self) -> Self {
        if matches!(self, Self::Aborted(_)) { other } else { self }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let Some(code) = error.code().cloned() else {
            let is_lost = error.is_closed() || causes(&error).contains("communicating with the server");
            let shown = StoreError::database(error);
            return if is_lost { Self::Lost(shown) } else { Self::Failed(shown) };
        };
        let shown = StoreError::database(ReportedRefund::of(&error, &code));
        match code {
            SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::UNIQUE_VIOLATION
            | SqlState::FOREIGN_KEY_VIOLATION
            | SqlState::LOCK_NOT_AVAILABLE => Self::Contention(shown),
            SqlState::IN_FAILED_SQL_TRANSACTION => Self::Aborted(shown),
            // A server that has become a stand-by, or a table that was altered under a prepared statement.
            SqlState::READ_ONLY_SQL_TRANSACTION | SqlState::FEATURE_NOT_SUPPORTED => Self::Lost(shown),
            // Connection exceptions, and what an operator does.
            other if other.code().starts_with("08") || other.code().starts_with("57P") => Self::Lost(shown),
            _ => Self::Failed(shown),
        }
    }
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Failed(StoreError::database(error))
    }
}

/// What the server says, without the details: these may hold what a row holds.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
pub(super) struct ReportedRefund {
    message: String,
    code: String,
}

impl ReportedRefund {
    pub(super) fn of(error: &Error, code: &SqlState) -> Self {
        let message = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        Self { message, code: code.code().to_owned() }
    }
}

/// A column holds what no athm has written.
#[derive(Debug, thiserror::Error)]
#[error("column {column} can't be read")]
pub(super) struct Unreadable {
    pub(super) column: usize,
    pub(super) source: BoxError,
}
