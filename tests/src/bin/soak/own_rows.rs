//! Effects that are rows in athm's database, each in one commit with its delivery.

use std::time::Duration;

use athm_actix::{BoxError, Delivery};
use athm_tests::RunDatabase;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

/// How many connections the receivers share on PostgreSQL. On SQLite it is one: there is one write lock, and what waits for a
/// connection waits in turn.
#[cfg(feature = "postgres")]
const CONNECTIONS: u32 = 8;

/// The program's own pool on athm's database.
#[derive(Debug, Clone)]
pub(crate) enum OwnRows {
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
}

impl OwnRows {
    /// Creates the table, without any key.
    pub(crate) fn create(database: &RunDatabase) {
        database.execute("CREATE TABLE soak_effect (receiver TEXT NOT NULL, payment TEXT NOT NULL, key TEXT NOT NULL)");
    }

    pub(crate) fn connect(database: &str) -> Result<Self, sqlx::Error> {
        #[cfg(feature = "postgres")]
        if database.starts_with("postgres") {
            let options = sqlx::postgres::PgPoolOptions::new().max_connections(CONNECTIONS);
            return Ok(Self::Postgres(options.connect_lazy(database)?));
        }
        let options: SqliteConnectOptions = database.parse()?;
        let options = options.busy_timeout(Duration::from_secs(10)).synchronous(SqliteSynchronous::Full);
        Ok(Self::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options)))
    }

    /// Inserts a row and completes the delivery in one transaction.
    pub(crate) async fn insert(&self, receiver: &str, payment: &str, delivery: Delivery) -> Result<(), BoxError> {
        const INSERT: &str = "INSERT INTO soak_effect (receiver, payment, key) VALUES ($1, $2, $3)";
        let key = delivery.idempotency_key().to_string();
        match self {
            Self::Sqlite(pool) => {
                let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::query(INSERT).bind(receiver).bind(payment).bind(key).execute(&mut *tx).await?;
                delivery.complete_in(&mut tx).await?;
                Ok(tx.commit().await?)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query(INSERT).bind(receiver).bind(payment).bind(key).execute(&mut *tx).await?;
                delivery.complete_in(&mut tx).await?;
                Ok(tx.commit().await?)
            }
        }
    }
}
