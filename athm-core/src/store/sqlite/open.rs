//! Opening the file, and bringing its tables up to date.

use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use std::{io, thread};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::Read;
use crate::store::StoreError;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_payments.sql"),
    include_str!("../migrations/sqlite/0002_intents.sql"),
    include_str!("../migrations/sqlite/0003_refunds.sql"),
    include_str!("../migrations/sqlite/0004_errands.sql"),
    include_str!("../migrations/sqlite/0005_names.sql"),
    include_str!("../migrations/sqlite/0006_odd_payments.sql"),
];
/// How long a statement waits for a lock that another connection holds.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many statements are kept prepared.
const STATEMENTS: usize = 64;

/// Keeps other processes out for as long as the file is held.
pub(super) fn lock(path: &str) -> Result<File, StoreError> {
    let file = File::create(format!("{path}.lock")).map_err(|error| unusable(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unusable(path, error)),
    }
}

fn unusable(path: &str, error: io::Error) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), source: Arc::new(error) }
}

pub(super) fn connect(path: &str, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(Path::new(path), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Brings the tables up to date, as one step: forward only.
pub(super) fn migrate(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS athm_migration (version INTEGER NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT",
    )?;
    let sql = "SELECT coalesce(max(version), 0) FROM athm_migration";
    let found: u32 = transaction.query_row(sql, [], |row| row.get(0))?;
    let newest = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > newest {
        return Err(StoreError::Newer { found, known: newest });
    }
    for (version, migration) in (1_u32..).zip(MIGRATIONS).skip(found as usize) {
        transaction.execute_batch(migration)?;
        let sql = "INSERT INTO athm_migration (version, applied_at) VALUES (?1, ?2)";
        transaction.execute(sql, params![version, now.as_microsecond()])?;
    }
    Ok(transaction.commit()?)
}

pub(super) fn read_on_a_thread(connection: Connection) -> io::Result<mpsc::Sender<Read>> {
    let (sender, receiver) = mpsc::channel::<Read>();
    thread::Builder::new().name(String::from("athm-reader")).spawn(move || {
        for read in receiver {
            // Whoever asked gets no answer; all others still do.
            let _ = catch_unwind(AssertUnwindSafe(|| read(&connection)));
        }
    })?;
    Ok(sender)
}
