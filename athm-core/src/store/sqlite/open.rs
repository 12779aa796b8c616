//! Opening the file, and migrating its tables.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

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
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How many prepared statements a connection caches.
const MAX_PREPARED: usize = 64;

/// Locks the database for this process, until the returned file is dropped.
///
/// SQLite's own locks last for one transaction. This one lasts as long as the process: leases, the queue of writes and
/// the set of running deliveries are in memory, and a second process would know nothing of them.
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
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(MAX_PREPARED);
    Ok(connection)
}

/// Runs the migrations that the tables lack, in one transaction. There is no way back to an earlier version.
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
