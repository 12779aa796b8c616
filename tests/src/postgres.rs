//! Databases on PostgreSQL.

use std::time::Duration;

use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::TestDatabase;

/// A schema of its own on the server that `ATHM_TEST_POSTGRES_URL` names: [`TestDatabase`] on PostgreSQL.
#[derive(Debug)]
pub struct PostgresDatabase {
    schema: String,
}

impl PostgresDatabase {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
        query(&server(), &format!("CREATE SCHEMA {schema}"));
        Self { schema }
    }

    /// Its address, with an application's name that no other test's connections have.
    #[must_use]
    pub fn url(&self) -> String {
        let server = server();
        let separator = if server.contains('?') { '&' } else { '?' };
        let schema = &self.schema;
        format!("{server}{separator}options=-csearch_path%3D{schema}&application_name={schema}")
    }

    /// Asks in a connection of its own, and returns the first column of every row.
    pub fn query(&self, sql: &str) -> Vec<String> {
        query(&self.url().replace("application_name=", "application_name=of_"), sql)
    }

    /// Executes SQL in a transaction that stays open, and idle, until the guard is dropped.
    #[must_use]
    pub fn hold(&self, sql: &str) -> HeldTransaction {
        let (url, sql) = (self.url().replace("application_name=", "application_name=of_"), format!("BEGIN; {sql}"));
        let (began, has_begun) = std::sync::mpsc::channel();
        let (ends, end) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
                let connection = tokio::spawn(connection);
                client.batch_execute(&sql).await.expect("SQL that can be executed");
                let _ = began.send(());
                let _ = end.await;
                drop(client);
                let _ = connection.await;
            });
        });
        has_begun.recv().expect("the server is there");
        HeldTransaction { ends: Some(ends), thread: Some(thread) }
    }

    /// Cuts every connection to it but the one that asks. Tells how many there were.
    pub fn cut(&self) -> usize {
        let name = &self.schema;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name";
        self.query(&format!("{sql} = '{name}'")).len()
    }
}

/// See [`PostgresDatabase::hold`].
#[derive(Debug)]
pub struct HeldTransaction {
    ends: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for HeldTransaction {
    fn drop(&mut self) {
        self.ends = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl TestDatabase for PostgresDatabase {
    fn url(&self) -> String {
        Self::url(self)
    }

    fn execute(&self, sql: &str) {
        self.query(sql);
    }

    fn end_leases(&self) {
        self.query("UPDATE athm_delivery SET due_at = clock_timestamp() WHERE state = 'running'");
    }
}

impl Default for PostgresDatabase {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // What still writes there may be in the way for a moment.
            let sql = format!("DROP SCHEMA {} CASCADE", self.schema);
            let is_gone = (0..10).any(|_| {
                self.cut();
                try_query(&server(), &sql).is_ok()
            });
            assert!(is_gone, "another connection blocks the drop of the schema");
        }
    }
}

fn server() -> String {
    std::env::var("ATHM_TEST_POSTGRES_URL").expect("ATHM_TEST_POSTGRES_URL: run this through tests/with-postgres")
}

fn query(url: &str, sql: &str) -> Vec<String> {
    try_query(url, sql).expect("an answer")
}

/// On a thread of its own: a test may ask from within its runtime.
fn try_query(url: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let connecting = tokio::time::timeout(Duration::from_secs(20), tokio_postgres::connect(&url, NoTls));
            let (client, connection) = connecting.await.expect("the server answers").expect("a connection");
            let connection = tokio::spawn(connection);
            let rows = client.simple_query(&sql).await?;
            drop(client);
            let _ = connection.await;
            let first = rows.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                _ => None,
            });
            Ok(first.collect())
        })
    });
    asked.join().expect("the server is there")
}
