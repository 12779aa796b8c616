//! Transactions of the program's own on PostgreSQL: tokio-postgres', and sqlx's.

use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;

use super::values::{Values, bound, text, values};
use crate::receiver::Database;
use crate::store::own_transaction::{Driver, DriverError, SqlValue};

impl Driver for Transaction<'_> {
    const DATABASE: Database = Database::Postgres;

    async fn execute(&mut self, sql: &'static str, values: &[SqlValue<'_>]) -> Result<u64, DriverError> {
        let values = of_driver(values);
        Ok(Transaction::execute(self, sql, &bound(&values)).await?)
    }

    async fn text(&mut self, sql: &'static str, values: &[SqlValue<'_>]) -> Result<Option<String>, DriverError> {
        let values = of_driver(values);
        Ok(self.query_opt(sql, &bound(&values)).await?.map(|row| row.try_get(0)).transpose()?)
    }
}

pub(super) fn of_driver<'a>(values: &'a [SqlValue<'_>]) -> Values<'a> {
    let of_driver = |value: &'a SqlValue<'_>| match value {
        SqlValue::Uuid(uuid) => values![*uuid],
        SqlValue::Integer(integer) => values![*integer],
        SqlValue::Text(found) => values![found.as_deref().map(text)],
    };
    values.iter().flat_map(of_driver).collect()
}

impl From<tokio_postgres::Error> for DriverError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self { is_without_tables: error.code() == Some(&SqlState::UNDEFINED_TABLE), source: error.into() }
    }
}

#[cfg(feature = "sqlx-postgres")]
mod of_sqlx {
    use sqlx::postgres::PgArguments;
    use sqlx::{Arguments, Postgres, Transaction};

    use super::text;
    use crate::receiver::Database;
    use crate::store::own_transaction::{Driver, DriverError, SqlValue};

    impl Driver for Transaction<'_, Postgres> {
        const DATABASE: Database = Database::Postgres;

        async fn execute(&mut self, sql: &'static str, values: &[SqlValue<'_>]) -> Result<u64, DriverError> {
            let query = sqlx::query_with::<Postgres, _>(sql, arguments(values)?);
            Ok(query.execute(&mut **self).await?.rows_affected())
        }

        async fn text(&mut self, sql: &'static str, values: &[SqlValue<'_>]) -> Result<Option<String>, DriverError> {
            let query = sqlx::query_scalar_with::<Postgres, String, _>(sql, arguments(values)?);
            Ok(query.fetch_optional(&mut **self).await?)
        }
    }

    fn arguments(values: &[SqlValue<'_>]) -> Result<PgArguments, DriverError> {
        let mut arguments = PgArguments::default();
        for value in values {
            let added = match value {
                SqlValue::Uuid(uuid) => Arguments::add(&mut arguments, *uuid),
                SqlValue::Integer(integer) => Arguments::add(&mut arguments, *integer),
                SqlValue::Text(found) => {
                    Arguments::add(&mut arguments, found.as_deref().map(|found| text(found).into_owned()))
                }
            };
            added.map_err(|source| DriverError { is_without_tables: false, source })?;
        }
        Ok(arguments)
    }
}
