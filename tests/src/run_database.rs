//! The database of one run of a test program.

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

/// The backend of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatabaseKind {
    /// A file.
    Sqlite,
    /// A schema of its own on the server of tests/with-postgres.
    Postgres,
}

/// An empty database that one run owns. A schema on PostgreSQL is dropped with it; a file belongs to the run's folder.
#[derive(Debug)]
pub enum RunDatabase {
    /// The URL of a file.
    Sqlite(String),
    /// A schema.
    #[cfg(feature = "postgres")]
    Postgres(crate::PostgresDatabase),
}

impl RunDatabase {
    /// Creates an empty database, in this folder if it is a file.
    ///
    /// # Errors
    ///
    /// If PostgreSQL is asked for without the feature `postgres` or without a server.
    pub fn new(kind: DatabaseKind, folder: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        match kind {
            DatabaseKind::Sqlite => Ok(Self::Sqlite(format!("sqlite://{}", folder.join("athm.db").display()))),
            #[cfg(feature = "postgres")]
            DatabaseKind::Postgres if std::env::var_os("ATHM_TEST_POSTGRES_URL").is_some() => {
                Ok(Self::Postgres(crate::PostgresDatabase::new()))
            }
            DatabaseKind::Postgres => {
                Err("PostgreSQL needs --features postgres and a server: tests/with-postgres".into())
            }
        }
    }

    /// Executes SQL on a connection of its own, beside the processes that have the database.
    pub fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(url) => {
                let connection = rusqlite::Connection::open(url.trim_start_matches("sqlite://")).expect("a file");
                connection.busy_timeout(Duration::from_secs(60)).expect("a connection");
                connection.execute_batch(sql).expect("SQL that can be executed");
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => drop(database.query(sql)),
        }
    }

    /// Asks on a connection of its own, and returns the first column of every row.
    pub fn query(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(url) => {
                let connection = rusqlite::Connection::open(url.trim_start_matches("sqlite://")).expect("a file");
                let mut statement = connection.prepare(sql).expect("SQL that can be executed");
                let rows = statement.query_map([], |row| row.get(0)).expect("an answer");
                rows.collect::<Result<_, _>>().expect("texts")
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.query(sql),
        }
    }

    /// Checks that every item, event and delivery has the row that it belongs to. On PostgreSQL, no foreign key does.
    ///
    /// # Errors
    ///
    /// What there is without its parent, and how often.
    pub fn check_parents(&self) -> Result<(), String> {
        let orphans = [
            ("items", "athm_item WHERE transaction_id NOT IN (SELECT id FROM athm_transaction)"),
            ("events", "athm_event WHERE transaction_id NOT IN (SELECT id FROM athm_transaction)"),
            ("deliveries", "athm_delivery WHERE event_id NOT IN (SELECT id FROM athm_event)"),
        ];
        let count = |rows: &str| self.query(&format!("SELECT CAST(count(*) AS TEXT) FROM {rows}")).concat();
        let found = orphans.map(|(what, rows)| (what, count(rows)));
        let found: Vec<_> = found.iter().filter(|(_, count)| count != "0").collect();
        if found.is_empty() { Ok(()) } else { Err(format!("rows without their parents: {found:?}")) }
    }

    /// The database URL.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(url) => url.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.url(),
        }
    }
}
