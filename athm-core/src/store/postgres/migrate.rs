//! The migrations of the tables.

use super::fault::{Fault, Result};
use super::session::Session;
use super::values::values;
use crate::store::StoreError;
use crate::store::row::Columns;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001_payments.sql"),
    include_str!("../migrations/postgres/0002_intents.sql"),
    include_str!("../migrations/postgres/0003_refunds.sql"),
    include_str!("../migrations/postgres/0004_errands.sql"),
    include_str!("../migrations/postgres/0005_names.sql"),
    include_str!("../migrations/postgres/0006_odd_payments.sql"),
    include_str!("../migrations/postgres/0007_problems.sql"),
    include_str!("../migrations/postgres/0008_checkouts.sql"),
    include_str!("../migrations/postgres/0009_waiting_deliveries.sql"),
    include_str!("../migrations/postgres/0010_claims.sql"),
    include_str!("../migrations/postgres/0011_collation.sql"),
    include_str!("../migrations/postgres/0012_messages.sql"),
    include_str!("../migrations/postgres/0013_dismissed_deliveries.sql"),
    include_str!("../migrations/postgres/0014_alerts.sql"),
    include_str!("../migrations/postgres/0015_attempts.sql"),
    include_str!("../migrations/postgres/0016_queries.sql"),
    include_str!("../migrations/postgres/0017_waits.sql"),
    include_str!("../migrations/postgres/0018_runnable_deliveries.sql"),
    include_str!("../migrations/postgres/0019_payment_intents.sql"),
    include_str!("../migrations/postgres/0020_payment_view.sql"),
    include_str!("../migrations/postgres/0021_fewer_indexes.sql"),
    include_str!("../migrations/postgres/0022_fewer_foreign_keys.sql"),
];

/// Checks that the database stores every text: in another encoding, a payment with an emoji in an item's name could never
/// be recorded.
pub(super) async fn check_encoding(session: &Session) -> Result<()> {
    let sql = "SELECT current_setting('server_encoding')";
    match session.one(sql, values![], |row| row.text()).await? {
        Some(found) if found != "UTF8" => Err(Fault::Refused(StoreError::Encoding { found })),
        _ => Ok(()),
    }
}

/// Runs the migrations that the tables lack, in one transaction, one process at a time. There is no way back to an earlier
/// version.
pub(super) async fn migrate(session: &Session) -> Result<()> {
    // READ COMMITTED: once this process has the lock, it sees the migrations that another one ran meanwhile.
    session.begin().await?;
    // A migration may take longer than the timeouts of ordinary statements, here and in the process that has the lock.
    session
        .run(
            "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .await?;
    // Advisory locks are numbers; this one is "athm" in ASCII.
    session.run("SELECT pg_advisory_xact_lock(1635018861)").await?;
    // Checked first, because the program's user need not have the right to create tables.
    let sql = "SELECT to_regclass('athm_migration') IS NOT NULL";
    if session.one(sql, values![], |row| row.get()).await? != Some(true) {
        session
            .run(
                "CREATE TABLE athm_migration (version INTEGER NOT NULL PRIMARY KEY, \
                 applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())",
            )
            .await?;
    }
    let sql = "SELECT coalesce(max(version), 0) FROM athm_migration";
    let found = session.one(sql, values![], |row| row.get::<i32>()).await?.unwrap_or(0);
    let (found, known) = (u32::try_from(found).unwrap_or(0), u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX));
    if found > known {
        return Err(Fault::Refused(StoreError::Newer { found, known }));
    }
    for (version, migration) in (1_i32..).zip(MIGRATIONS).skip(found as usize) {
        session.run(migration).await?;
        session.execute("INSERT INTO athm_migration (version) VALUES ($1)", values![version]).await?;
    }
    session.commit().await
}
