//! The columns of a row of SQLite's.

use std::error::Error as StdError;

use jiff::Timestamp;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, Result, Row};
use uuid::Uuid;

use crate::store::row::Columns;

/// A row, and the column that is read next.
pub(super) struct SqliteRow<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> SqliteRow<'r> {
    pub(super) fn new(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    fn get<T: FromSql>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }
}

impl Columns for SqliteRow<'_> {
    type Error = Error;

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

    fn count(&mut self) -> Result<u32> {
        self.get()
    }

    fn boolean(&mut self) -> Result<bool> {
        self.get()
    }

    /// Times are stored in microseconds since 1970.
    fn time(&mut self) -> Result<Timestamp> {
        Timestamp::from_microsecond(self.get()?).map_err(|error| self.unreadable(error))
    }

    fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        let micros: Option<i64> = self.get()?;
        micros.map(Timestamp::from_microsecond).transpose().map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, error: impl StdError + Send + Sync + 'static) -> Error {
        Error::FromSqlConversionFailure(self.next - 1, Type::Text, Box::new(error))
    }
}
