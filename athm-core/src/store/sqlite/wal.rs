//! The length of the write-ahead log (WAL).
//!
//! A checkpoint moves the WAL's pages into the database file, so that the WAL starts again from its beginning. While another
//! program has a read transaction open, no page that it may still need is overwritten, and the WAL grows with every commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::open::beside;

/// How often a WAL that is too long is logged.
const LOG_INTERVAL: Duration = Duration::from_secs(60);
/// How long closing waits for readers of other programs.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The WAL of a database file.
#[derive(Debug)]
pub(super) struct Wal {
    path: PathBuf,
    max_bytes: u64,
    logged_at: Option<Instant>,
}

impl Wal {
    pub(super) fn new(database: &Path, max_bytes: u64) -> Self {
        Self { path: beside(database, "-wal"), max_bytes, logged_at: None }
    }

    /// Logs a WAL that is too long, at most once a minute.
    pub(super) fn check(&mut self) {
        if let Some(bytes) = self.excess() {
            tracing::warn!(
                bytes,
                "the database's write-ahead log keeps growing: does another program have a read transaction open?"
            );
        }
    }

    /// The length of a WAL that is to be logged as too long.
    pub(super) fn excess(&mut self) -> Option<u64> {
        let bytes = fs::metadata(&self.path).map_or(0, |file| file.len());
        if bytes <= self.max_bytes || self.logged_at.is_some_and(|at| at.elapsed() < LOG_INTERVAL) {
            return None;
        }
        self.logged_at = Some(Instant::now());
        Some(bytes)
    }
}

/// Moves the whole WAL into the database file, so that the file alone is the database.
pub(super) fn empty(connection: &Connection) {
    let busy = connection
        .busy_timeout(CLOSE_TIMEOUT)
        .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)));
    match busy {
        Ok(false) => {}
        Ok(true) => {
            tracing::warn!("another program reads the database: a copy of it needs the file -wal beside it, too")
        }
        Err(error) => tracing::error!(%error, "the write-ahead log couldn't be moved into the database"),
    }
}
