//! Opening the file, and migrating its tables.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::store::StoreError;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_payments.sql"),
    include_str!("../migrations/sqlite/0002_intents.sql"),
    include_str!("../migrations/sqlite/0003_refunds.sql"),
    include_str!("../migrations/sqlite/0004_errands.sql"),
    include_str!("../migrations/sqlite/0005_names.sql"),
    include_str!("../migrations/sqlite/0006_odd_payments.sql"),
    include_str!("../migrations/sqlite/0007_problems.sql"),
    include_str!("../migrations/sqlite/0008_checkouts.sql"),
    include_str!("../migrations/sqlite/0009_waiting_deliveries.sql"),
    include_str!("../migrations/sqlite/0010_claims.sql"),
    include_str!("../migrations/sqlite/0011_collation.sql"),
    include_str!("../migrations/sqlite/0012_messages.sql"),
    include_str!("../migrations/sqlite/0013_dismissed_deliveries.sql"),
    include_str!("../migrations/sqlite/0014_alerts.sql"),
    include_str!("../migrations/sqlite/0015_attempts.sql"),
    include_str!("../migrations/sqlite/0016_queries.sql"),
    include_str!("../migrations/sqlite/0017_waits.sql"),
    include_str!("../migrations/sqlite/0018_runnable_deliveries.sql"),
    include_str!("../migrations/sqlite/0019_payment_intents.sql"),
    include_str!("../migrations/sqlite/0020_payment_view.sql"),
    include_str!("../migrations/sqlite/0021_fewer_indexes.sql"),
    include_str!("../migrations/sqlite/0022_fewer_foreign_keys.sql"),
];
/// How long a statement waits for a lock that another connection holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How many prepared statements a connection caches.
const MAX_PREPARED: usize = 64;

/// What `PRAGMA application_id` answers for a database of athm: "athm" in ASCII.
const APPLICATION_ID: i32 = 0x6174_686d;
/// The length to which SQLite cuts the write-ahead log (WAL) once all readers have let go of it, in bytes.
pub(super) const MAX_WAL_BYTES: u64 = 64 << 20;
/// After how many pages of the WAL a checkpoint moves them into the file. SQLite's default is 1,000. A page that was changed
/// several times since the last checkpoint is moved once, and the file is flushed less often: 16 MiB cost a commit at most
/// some 50 ms.
const CHECKPOINT_PAGES: u32 = 4000;

/// Creates the file unless it exists, and returns its canonical path: one file has one name, whatever links lead to it.
///
/// The file holds customers and tokens, so only its owner may read it. SQLite gives its WAL the same permissions.
pub(super) fn create(path: &str) -> Result<PathBuf, StoreError> {
    canonical(Path::new(path)).map_err(|error| unusable(path, error))
}

fn canonical(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    if let Ok(target) = fs::read_link(path) {
        // The link's target doesn't exist yet.
        return canonical(&path.parent().unwrap_or(Path::new("")).join(target));
    }
    // Never opens a file that exists: closing it would end the locks that SQLite holds on it in this process.
    match private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::canonicalize(path),
    }
}

/// Makes a file that is created readable for its owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Locks the database for this process, until the returned file is dropped.
///
/// SQLite's own locks last for one transaction. This one lasts as long as the process: leases, the queue of writes and
/// the set of running deliveries are in memory, and a second process would know nothing of them.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let name = path.display();
    let file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(beside(path, ".lock"));
    let file = file.map_err(|error| unusable(&name.to_string(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: name.to_string() }),
        Err(TryLockError::Error(error)) => Err(unusable(&name.to_string(), error)),
    }
}

/// The path of a file of the same name, with a suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn unusable(path: &str, error: io::Error) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), source: Arc::new(error) }
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(MAX_PREPARED);
    // One plan for each statement, whatever is bound. Else each execution of a statement whose values could rule out a partial
    // index prepares it again: that cost a seventh of the writer's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Sets what the connection that writes needs. [`StoreError::JournalMode`] where the file can't have a WAL: readers would
/// wait for the writer, and the other way around.
pub(super) fn configure(connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if found != "wal" {
        return Err(StoreError::JournalMode { found });
    }
    // These answer with the value, so that they aren't among the statements below.
    connection.query_row(&format!("PRAGMA journal_size_limit = {MAX_WAL_BYTES}"), [], |_| Ok(()))?;
    connection.query_row(&format!("PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"), [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    // The CHECKs of the tables are lists of states, and SQLite builds a list of more than two anew, as a table of its own, for
    // each row that is written: a fifth of the writer's work. What is written here is an enum's; other connections are checked.
    Ok(connection.execute_batch("PRAGMA ignore_check_constraints = ON;")?)
}

/// Marks the file as athm's. The database of an earlier version has no mark yet.
fn mark_as_athm(connection: &Connection) -> Result<(), StoreError> {
    let found: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    match found {
        APPLICATION_ID => Ok(()),
        0 => Ok(connection.pragma_update(None, "application_id", APPLICATION_ID)?),
        _ => Err(StoreError::OtherApplication { found }),
    }
}

/// Runs the migrations that the tables lack, in one transaction. There is no way back to an earlier version.
pub(super) fn migrate(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    mark_as_athm(&transaction)?;
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
