//! Transactions of the program's own on SQLite: rusqlite's, and sqlx's.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::store::own_transaction::{DriverError, SqlValue, WITHOUT_TABLES};

/// Returns how many rows were changed.
pub(in crate::store) fn execute(
    connection: &Connection,
    sql: &str,
    values: &[SqlValue<'_>],
) -> Result<u64, DriverError> {
    let changed = connection.prepare_cached(sql)?.execute(params_from_iter(values))?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// Returns the first column of the first row.
pub(in crate::store) fn text(
    connection: &Connection,
    sql: &str,
    values: &[SqlValue<'_>],
) -> Result<Option<String>, DriverError> {
    Ok(connection.prepare_cached(sql)?.query_row(params_from_iter(values), |row| row.get(0)).optional()?)
}

impl ToSql for SqlValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Uuid(uuid) => ValueRef::Blob(uuid.as_bytes()),
            Self::Integer(integer) => integer.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Text(text) => text.as_ref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
        }))
    }
}

impl From<rusqlite::Error> for DriverError {
    fn from(error: rusqlite::Error) -> Self {
        Self { is_without_tables: error.to_string().contains(WITHOUT_TABLES), source: error.into() }
    }
}

#[cfg(feature = "sqlx-sqlite")]
mod of_sqlx {
    use sqlx::sqlite::SqliteArguments;
    use sqlx::{Arguments, Sqlite, Transaction};

    use crate::receiver::Database;
    use crate::store::own_transaction::{Driver, DriverError, SqlValue};

    impl Driver for Transaction<'_, Sqlite> {
        const DATABASE: Database = Database::Sqlite;

        async fn execute(&mut self, sql: &'static str, values: &[SqlValue<'_>]) -> Result<u64, DriverError> {
            let query = sqlx::query_with::<Sqlite, _>(sql, arguments(values)?);
            Ok(query.execute(&mut **self).await?.rows_affected())
        }

        async fn text(&mut self, sql: &'static str, values: &[SqlValue<'_>]) -> Result<Option<String>, DriverError> {
            let query = sqlx::query_scalar_with::<Sqlite, String, _>(sql, arguments(values)?);
            Ok(query.fetch_optional(&mut **self).await?)
        }
    }

    fn arguments(values: &[SqlValue<'_>]) -> Result<SqliteArguments, DriverError> {
        let mut arguments = SqliteArguments::default();
        for value in values {
            let added = match value {
                SqlValue::Uuid(uuid) => Arguments::add(&mut arguments, uuid.as_bytes().to_vec()),
                SqlValue::Integer(integer) => Arguments::add(&mut arguments, *integer),
                SqlValue::Text(text) => Arguments::add(&mut arguments, text.as_deref().map(str::to_owned)),
            };
            added.map_err(|source| DriverError { is_without_tables: false, source })?;
        }
        Ok(arguments)
    }
}
