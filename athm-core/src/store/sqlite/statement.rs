//! Statements, prepared once for each connection.

use jiff::Timestamp;
use rusqlite::{Connection, Error, OptionalExtension, Params, Row, params};
use uuid::Uuid;

use super::row::SqliteRow;
use crate::store::DamagedRows;
use crate::store::damaged::DAMAGED_PAUSE;
use crate::util::clock::later;

/// A list as one value, for `json_each`: SQLite has no arrays.
pub(super) fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

pub(super) fn execute(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut SqliteRow<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(values, |row: &Row<'_>| read(&mut SqliteRow::new(row)))?.collect()
}

/// The rows that can be read, and the ids of those that can't.
pub(super) struct Readable<T> {
    pub(super) rows: Vec<T>,
    pub(super) damaged: Vec<Vec<u8>>,
}

/// Reads rows of which each stands for itself: those that can't be read are added to the damaged ones. The first column is
/// the row's id.
pub(super) fn readable<T>(
    connection: &Connection,
    (table, known): (&'static str, &DamagedRows),
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut SqliteRow<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Readable<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(values)?;
    let mut readable = Readable { rows: Vec::new(), damaged: Vec::new() };
    while let Some(row) = found.next()? {
        match read(&mut SqliteRow::new(row)) {
            Ok(read) => readable.rows.push(read),
            Err(error) => {
                let id = row.get_ref(0)?.as_blob().unwrap_or_default();
                known.add(table, shown(id), &error);
                readable.damaged.push(id.to_vec());
            }
        }
    }
    Ok(readable)
}

/// `None` when a row can't be read, which is then added to the damaged ones.
pub(super) fn readable_one<T>(
    (table, known): (&'static str, &DamagedRows),
    id: &Uuid,
    read: rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    match read {
        Err(error) if is_unreadable(&error) => {
            known.add(table, shown(id.as_bytes()), &error);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// Whether a column holds a value that no version of athm writes.
pub(super) fn is_unreadable(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}

/// Sets when damaged rows of a queue are due again. `sql` takes an id and a time.
pub(super) fn postpone(
    connection: &Connection,
    sql: &str,
    damaged: &[Vec<u8>],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let due_at = later(now, DAMAGED_PAUSE).as_microsecond();
    damaged.iter().try_for_each(|id| execute(connection, sql, params![id, due_at]))
}

fn shown(id: &[u8]) -> String {
    Uuid::from_slice(id).map_or_else(|_| format!("{id:02x?}"), |id| id.to_string())
}

pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut SqliteRow<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection.prepare_cached(sql)?.query_row(values, |row| read(&mut SqliteRow::new(row))).optional()
}
