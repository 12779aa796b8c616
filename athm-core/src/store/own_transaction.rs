//! A database transaction of the program's own, in which statements of athm's are executed.
//!
//! The program's driver executes them, so that they commit with the program's rows. What a statement takes and returns is kept
//! to what every driver has: UUIDs, texts and integers go in, a text or a number of rows comes out. The drivers are in the two
//! backends, each in a file of this name.

use std::borrow::Cow;

use uuid::Uuid;

use crate::receiver::{BoxError, Database};

/// A database transaction of your own, in which athm writes something that is to commit with it: `tokio_postgres::Transaction`
/// (feature `postgres`), and the two `sqlx::Transaction`s (features `sqlx-postgres` and `sqlx-sqlite`).
///
/// ```
/// use athm_core::sql::SqlTransaction;
/// use athm_core::errors::CompletionError;
/// use athm_core::Delivery;
///
/// async fn finish(delivery: &Delivery, tx: &mut impl SqlTransaction) -> Result<(), CompletionError> {
///     delivery.complete_in(tx).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "athm can't write in `{Self}`",
    label = "is no transaction that athm knows",
    note = "it takes a `tokio_postgres::Transaction` (feature `postgres`) and a `sqlx::Transaction` (feature `sqlx-postgres` or \
            `sqlx-sqlite`); rusqlite's has functions of its own, which end in `_rusqlite`, and for every other driver there is \
            `Delivery::completion`"
)]
pub trait SqlTransaction: Driver {}

impl<T: Driver> SqlTransaction for T {}

/// What a driver does. It is public within a private module: no other crate can implement it.
pub trait Driver: Send {
    #[doc(hidden)]
    const DATABASE: Database;

    /// Returns how many rows were changed.
    #[doc(hidden)]
    fn execute(
        &mut self,
        sql: &'static str,
        values: &[SqlValue<'_>],
    ) -> impl Future<Output = Result<u64, DriverError>> + Send;

    /// Returns the first column of the first row.
    #[doc(hidden)]
    fn text(
        &mut self,
        sql: &'static str,
        values: &[SqlValue<'_>],
    ) -> impl Future<Output = Result<Option<String>, DriverError>> + Send;
}

/// A value that is bound to a statement.
#[derive(Clone)]
pub enum SqlValue<'a> {
    Uuid(Uuid),
    Integer(Option<i64>),
    Text(Option<Cow<'a, str>>),
}

/// Why the driver didn't execute a statement.
#[derive(Debug)]
pub struct DriverError {
    /// Whether the database has no tables of athm's.
    pub(crate) is_without_tables: bool,
    pub(crate) source: BoxError,
}

#[cfg(any(feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
impl From<sqlx::Error> for DriverError {
    fn from(error: sqlx::Error) -> Self {
        let is_without_tables = error.as_database_error().is_some_and(|error| {
            // PostgreSQL's code for a table that isn't there. SQLite has none.
            error.code().as_deref() == Some("42P01") || error.message().contains(WITHOUT_TABLES)
        });
        Self { is_without_tables, source: error.into() }
    }
}

/// What SQLite says where there are no tables of athm's.
#[cfg(any(feature = "sqlite", feature = "sqlx-postgres"))]
pub(super) const WITHOUT_TABLES: &str = "no such table: athm_";
