//! Due times across a restart.
//!
//! Due times are steady times, and a process's steady time begins at its time of day. If the clock is behind at the next
//! start, all due times lie in the future by its error. The database therefore keeps a steady time that has passed. If the
//! new process starts before it, the clock is behind by the difference at least, and all due times move back by that. An
//! example: a retry is due at 12:00:30, the last stamp is of 12:00:00, and the new process starts at 11:00:00. The retry
//! is then due at 11:00:30.

use jiff::Timestamp;
use rusqlite::Connection;

use super::statement::execute;
use super::{checkouts, operations, payment_intents};

/// Makes everything due that the last process held: no other process has the file, so that no lease counts.
pub(super) fn make_due(connection: &mut Connection, now: Timestamp) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    correct(&transaction, now)?;
    // The first condition is that of the index: a scan of all deliveries takes long.
    let sql = "UPDATE athm_delivery SET due_at = 0 WHERE state IN ('due', 'running') AND state = 'running'";
    execute(&transaction, sql, [])?;
    execute(&transaction, "UPDATE athm_inbox SET due_at = 0 WHERE state = 'pending'", [])?;
    operations::end_all(&transaction, now)?;
    checkouts::make_due(&transaction)?;
    payment_intents::end_all(&transaction)?;
    transaction.commit()
}

/// Stores a steady time that has passed: in `user_version`, which SQLite leaves to the application, in seconds since 1970.
pub(super) fn stamp(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let seconds = u32::try_from(now.as_second()).unwrap_or(0);
    connection.pragma_update(None, "user_version", seconds.cast_signed())
}

/// Moves due times back if the clock is behind.
fn correct(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let stamp: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let behind = i64::from(stamp.cast_unsigned()) - now.as_second();
    if behind <= 0 {
        return Ok(());
    }
    tracing::warn!(seconds = behind, "the system's clock is behind the last run's: due times are moved back");
    let micros = behind.saturating_mul(1_000_000);
    for sql in [
        "UPDATE athm_delivery SET due_at = due_at - ?1 WHERE state IN ('due', 'running')",
        "UPDATE athm_poll SET due_at = due_at - ?1",
        "UPDATE athm_alert SET due_at = due_at - ?1",
        "UPDATE athm_operation SET due_at = due_at - ?1, ends_at = ends_at - ?1",
        "UPDATE athm_payment_intent SET due_at = due_at - ?1, deadline = deadline - ?1 WHERE state IN ('due', 'opening')",
    ] {
        execute(connection, sql, [micros])?;
    }
    // In the same transaction: a process that ends here doesn't move them twice.
    self::stamp(connection, now)
}
