//! Rows of the program's own in athm's schema.

use athm_core::sql::PaymentIntent;
use athm_core::{Athm, BoxError, Delivery, NewPayment};
use sqlx::Connection as _;
use tokio::sync::Notify;
use tokio_postgres::{Client, NoTls};

use crate::Database;
use crate::exactly_once::{Driver, Ending};

/// The program's own table in athm's database, without a unique key.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    url: String,
}

impl Own {
    pub(crate) const DRIVERS: &[Driver] = &[Driver::Plain, Driver::Sqlx, Driver::Statement];

    /// Every column of athm's, as `table.column`.
    pub(crate) const COLUMNS: &str = "SELECT table_name || '.' || column_name FROM information_schema.columns \
         WHERE table_schema = current_schema AND table_name LIKE 'athm\\_%'";

    /// Creates the table.
    pub(crate) fn new(database: &Database) -> Self {
        database.query("CREATE TABLE effect (payment TEXT NOT NULL)");
        Self { url: database.url() }
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
        let mut client = self.client().await?;
        let mut tx = client.transaction().await?;
        tx.execute("INSERT INTO effect (payment) VALUES ($1)", &[&payment]).await?;
        for _ in 0..ending.times() {
            match driver {
                Driver::Plain | Driver::Sqlx => delivery.complete_in(&mut tx).await?,
                Driver::Statement => {
                    let completion = delivery.completion()?;
                    let [delivery, claim] = completion.values();
                    completion.check(tx.execute(completion.statement(), &[&delivery, &claim]).await?)?;
                }
            }
        }
        if ending == Ending::RollsBack {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(())
    }

    async fn effect_by_sqlx(&self, payment: &str, delivery: Delivery, ending: Ending) -> Result<(), BoxError> {
        let mut connection = sqlx::PgConnection::connect(&self.url).await?;
        let mut tx = connection.begin().await?;
        sqlx::query("INSERT INTO effect (payment) VALUES ($1)").bind(payment).execute(&mut *tx).await?;
        for _ in 0..ending.times() {
            delivery.complete_in(&mut tx).await?;
        }
        if ending == Ending::RollsBack {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(connection.close().await?)
    }

    /// The same with a pause before the commit.
    pub(crate) async fn effect_with_pause(
        &self,
        payment: &str,
        delivery: Delivery,
        is_completed: &Notify,
        gate: &Notify,
    ) -> Result<(), BoxError> {
        let mut client = self.client().await?;
        let mut tx = client.transaction().await?;
        tx.execute("INSERT INTO effect (payment) VALUES ($1)", &[&payment]).await?;
        delivery.complete_in(&mut tx).await?;
        is_completed.notify_one();
        gate.notified().await;
        Ok(tx.commit().await?)
    }

    /// Inserts a row and the intent to open a payment in one transaction.
    pub(crate) async fn order(
        &self,
        driver: Driver,
        athm: &Athm,
        payment: NewPayment,
        ending: Ending,
    ) -> Result<PaymentIntent, BoxError> {
        const INSERT: &str = "INSERT INTO effect (payment) VALUES ($1)";
        if driver == Driver::Sqlx {
            let mut connection = sqlx::PgConnection::connect(&self.url).await?;
            let mut tx = connection.begin().await?;
            let intent = athm.create_in(&mut tx, payment).await?;
            sqlx::query(INSERT).bind(intent.id().to_string()).execute(&mut *tx).await?;
            if ending == Ending::RollsBack {
                tx.rollback().await?
            } else {
                tx.commit().await?
            }
            connection.close().await?;
            return Ok(intent);
        }
        let mut client = self.client().await?;
        let mut tx = client.transaction().await?;
        let intent = athm.create_in(&mut tx, payment).await?;
        tx.execute(INSERT, &[&intent.id().to_string()]).await?;
        if ending == Ending::RollsBack {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(intent)
    }

    /// The first column of every row.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.client().await.unwrap().query(sql, &[]).await.unwrap();
        rows.into_iter().map(|row| row.get(0)).collect()
    }

    /// How many rows there are.
    pub(crate) async fn effects(&self) -> i64 {
        let client = self.client().await.unwrap();
        client.query_one("SELECT count(*) FROM effect", &[]).await.unwrap().get(0)
    }

    async fn client(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}
