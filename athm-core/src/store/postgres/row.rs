//! The columns of a row of PostgreSQL's.

use std::error::Error;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use super::fault::Unreadable;
use crate::store::row::Columns;

pub(super) type Result<T> = std::result::Result<T, Unreadable>;

/// A row, and the column that is read next.
pub(super) struct PostgresRow<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> PostgresRow<'r> {
    pub(super) fn new(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    /// The first column, whatever is read next.
    pub(super) fn first<T: FromSqlOwned>(&self) -> Result<T> {
        self.row.try_get(0).map_err(|error| Unreadable { column: 0, source: error.into() })
    }

    pub(super) fn get<T: FromSqlOwned>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.try_get(self.next - 1).map_err(|error| self.unreadable(error))
    }
}

impl Columns for PostgresRow<'_> {
    type Error = Unreadable;

    fn uuid(&mut self) -> Result<Uuid> {
        self.get()
    }

    fn maybe_uuid(&mut self) -> Result<Option<Uuid>> {
        self.get()
    }

    fn text(&mut self) -> Result<String> {
        self.get()
    }

    fn maybe_text(&mut self) -> Result<Option<String>> {
        self.get()
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        self.get()
    }

    fn integer(&mut self) -> Result<i64> {
        self.get()
    }

    fn maybe_integer(&mut self) -> Result<Option<i64>> {
        self.get()
    }

    /// Counts are INTEGER, which is signed.
    fn count(&mut self) -> Result<u32> {
        self.get::<i32>()?.try_into().map_err(|error| self.unreadable(error))
    }

    fn boolean(&mut self) -> Result<bool> {
        self.get()
    }

    fn time(&mut self) -> Result<Timestamp> {
        self.get()
    }

    fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        self.get()
    }

    fn unreadable(&self, error: impl Error + Send + Sync + 'static) -> Unreadable {
        Unreadable { column: self.next - 1, source: error.into() }
    }
}
