//! Statements, prepared once for each connection.

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::row::SqliteRow;

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

pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut SqliteRow<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection.prepare_cached(sql)?.query_row(values, |row| read(&mut SqliteRow::new(row))).optional()
}
