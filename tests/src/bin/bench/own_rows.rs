//! A receiver that has rows of its own in athm's database: each in a transaction of its own, with and without its delivery.

use athm_actix::{BoxError, Delivery};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

/// How many connections the receivers share on PostgreSQL. On SQLite it is one: there is one write lock, and what waits for a
/// connection waits in turn.
#[cfg(feature = "postgres")]
const CONNECTIONS: u32 = 8;
const CREATE: &str = "CREATE TABLE bench_effect (delivery TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO bench_effect (delivery) VALUES ($1)";

#[derive(Debug, Clone)]
pub(crate) enum OwnRows {
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
}

impl OwnRows {
    /// Connects, and creates the table. Before athm starts, whose tables are made beside it.
    pub(crate) async fn create(database: &str) -> Result<Self, sqlx::Error> {
        #[cfg(feature = "postgres")]
        if database.starts_with("postgres") {
            // A connection of its own: those of the pool belong to the runtime of the receivers.
            let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(database).await?;
            sqlx::query(CREATE).execute(&mut connection).await?;
            let options = sqlx::postgres::PgPoolOptions::new().max_connections(CONNECTIONS);
            return Ok(Self::Postgres(options.connect_lazy(database)?));
        }
        let options: SqliteConnectOptions = database.parse()?;
        let options = options.synchronous(SqliteSynchronous::Full).create_if_missing(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        sqlx::query(CREATE).execute(&pool).await?;
        Ok(Self::Sqlite(pool))
    }

    /// One row, in one commit; with the delivery if it is to be completed.
    pub(crate) async fn insert(&self, delivery: Delivery, completes: bool) -> Result<(), BoxError> {
        let key = delivery.idempotency_key().to_string();
        match self {
            Self::Sqlite(pool) => {
                let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::query(INSERT).bind(key).execute(&mut *tx).await?;
                if completes {
                    delivery.complete_in(&mut tx).await?;
                }
                Ok(tx.commit().await?)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query(INSERT).bind(key).execute(&mut *tx).await?;
                if completes {
                    delivery.complete_in(&mut tx).await?;
                }
                Ok(tx.commit().await?)
            }
        }
    }
}
