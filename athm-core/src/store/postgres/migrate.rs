//! How the tables come up to date.

use super::fault::{Fault, Result};
use super::session::{Session, values};
use crate::store::StoreError;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001_payments.sql"),
    include_str!("../migrations/postgres/0002_intents.sql"),
    include_str!("../migrations/postgres/0003_refunds.sql"),
    include_str!("../migrations/postgres/0004_errands.sql"),
    include_str!("../migrations/postgres/0005_names.sql"),
    include_str!("../migrations/postgres/0006_odd_payments.sql"),
];

/// Brings the tables up to date, as one step: forward only, and one process at a time.
pub(super) async fn migrate(session: &Session) -> Result<()> {
    // What another process has done meanwhile is seen once the lock is had, whatever the server's default.
    session.begin().await?;
    // Another process may have more to do than usually, and so may this one.
    session.run("SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    // Any number that nobody else locks: "athm" in ASCII.
    session.run("SELECT pg_advisory_xact_lock(1635018861)").await?;
    // Asked first: the user that runs the program need not be allowed to make tables.
    let sql = "SELECT to_regclass('athm_migration') IS NOT NULL";
    if session.one(sql, values![], |columns| columns.get()).await? != Some(true) {
        session
            .run(
                "CREATE TABLE athm_migration (version INTEGER NOT NULL PRIMARY KEY, \
                 applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())",
            )
            .await?;
    }
    let sql = "SELECT coalesce(max(version), 0) FROM athm_migration";
    let found = session.one(sql, values![], |columns| columns.get::<i32>()).await?.unwrap_or(0);
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
