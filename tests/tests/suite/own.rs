//! Rows of the program's own in athm's file.

use athm_core::sql::PaymentIntent;
use athm_core::{Athm, BoxError, Delivery, NewPayment};
use rusqlite::{Connection, TransactionBehavior};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::Database;
use crate::exactly_once::{Driver, Ending};

/// The program's own table in athm's database, without a unique key.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    path: String,
}

impl Own {
    pub(crate) const DRIVERS: &[Driver] = &[Driver::Plain, Driver::Sqlx, Driver::Statement];

    /// Every column of athm's, as `table.column`.
    pub(crate) const COLUMNS: &str = "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type IN ('table', 'view') AND m.name LIKE 'athm\\_%' ESCAPE '\\'";

    /// Creates the table.
    pub(crate) fn new(database: &Database) -> Self {
        let own = Self { path: database.path() };
        own.connection().unwrap().execute_batch("CREATE TABLE effect (payment TEXT NOT NULL)").unwrap();
        own
    }

    /// Inserts a row and completes the delivery in one transaction.
    pub(crate) async fn effect(
        &self,
        driver: Driver,
        payment: &str,
        delivery: Delivery,
        ending: Ending,
    ) -> Result<(), BoxError> {
        if driver == Driver::Sqlx {
            return self.effect_by_sqlx(payment, delivery, ending).await;
        }
        let mut connection = self.connection()?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("INSERT INTO effect (payment) VALUES (?1)", [payment])?;
        for _ in 0..ending.times() {
            match driver {
                Driver::Plain | Driver::Sqlx => delivery.complete_in_rusqlite(&tx)?,
                Driver::Statement => {
                    let completion = delivery.completion()?;
                    let changed = tx.execute(completion.statement(), completion.values().map(|id| *id.as_bytes()))?;
                    completion.check(changed as u64)?;
                }
            }
        }
        if ending == Ending::RollsBack {
            tx.rollback()?
        } else {
            tx.commit()?
        }
        Ok(())
    }

    async fn effect_by_sqlx(&self, payment: &str, delivery: Delivery, ending: Ending) -> Result<(), BoxError> {
        let mut connection = self.sqlx_connection().await?;
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO effect (payment) VALUES ($1)").bind(payment).execute(&mut *tx).await?;
        for _ in 0..ending.times() {
            delivery.complete_in(&mut tx).await?;
        }
        if ending == Ending::RollsBack {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(sqlx::Connection::close(connection).await?)
    }

    /// Inserts a row and the intent to open a payment in one transaction.
    pub(crate) async fn order(
        &self,
        driver: Driver,
        athm: &Athm,
        payment: NewPayment,
        ending: Ending,
    ) -> Result<PaymentIntent, BoxError> {
        if driver == Driver::Sqlx {
            let mut connection = self.sqlx_connection().await?;
            let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
            let intent = athm.create_in(&mut tx, payment).await?;
            sqlx::query("INSERT INTO effect (payment) VALUES ($1)")
                .bind(intent.id().to_string())
                .execute(&mut *tx)
                .await?;
            if ending == Ending::RollsBack {
                tx.rollback().await?
            } else {
                tx.commit().await?
            }
            sqlx::Connection::close(connection).await?;
            return Ok(intent);
        }
        let mut connection = self.connection()?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let intent = athm.create_in_rusqlite(&tx, payment)?;
        tx.execute("INSERT INTO effect (payment) VALUES (?1)", [intent.id().to_string()])?;
        if ending == Ending::RollsBack {
            tx.rollback()?
        } else {
            tx.commit()?
        }
        Ok(intent)
    }

    /// The first column of every row.
    #[expect(clippy::unused_async, reason = "as on PostgreSQL")]
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let connection = self.connection().unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// How many rows there are.
    #[expect(clippy::unused_async, reason = "as on PostgreSQL")]
    pub(crate) async fn effects(&self) -> i64 {
        self.connection().unwrap().query_row("SELECT count(*) FROM effect", [], |row| row.get(0)).unwrap()
    }

    async fn sqlx_connection(&self) -> Result<sqlx::SqliteConnection, sqlx::Error> {
        sqlx::SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&self.path)).await
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        Connection::open(&self.path)
    }
}
