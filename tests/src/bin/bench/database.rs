//! The database of a contender: a new one for each measurement.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use athm_tests::SqliteDatabase;

use crate::contender::{Contender, Rows};
use crate::grown;

/// How long a prepared file with many payments is used again: deliveries that have ended are pruned after 90 days.
const MAX_AGE: Duration = Duration::from_secs(60 * 24 * 60 * 60);

pub(crate) enum ContenderDatabase {
    /// Also of one that keeps none: it opens a database as all do, and leaves it alone.
    File(SqliteDatabase),
    #[cfg(feature = "postgres")]
    Server(athm_tests::PostgresDatabase),
}

/// What a turn must have stored: of each payment this number of items, and a succeeded delivery for each receiver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) payments: usize,
    pub(crate) items: usize,
    pub(crate) receivers: u32,
}

/// Has the server of tests/with-postgres create its WAL files now. A new server stops all commits for 15 to 50 ms at each
/// 16 MB to create the next one; a server that has run for a while, as one of the user's own, uses old ones again.
#[cfg(feature = "postgres")]
pub(crate) fn create_wal_files() {
    if std::env::var_os("ATHM_TEST_POSTGRES_CONTROL").is_some() {
        let database = athm_tests::PostgresDatabase::new();
        database
            .query("SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal() FROM generate_series(1, 48)");
        database.query("CHECKPOINT");
    }
}

impl ContenderDatabase {
    pub(crate) fn of(contender: Contender) -> Self {
        match contender {
            #[cfg(feature = "postgres")]
            _ if contender.needs_server() => Self::Server(athm_tests::PostgresDatabase::new()),
            _ => Self::File(SqliteDatabase::new()),
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(database) => database.url(),
            #[cfg(feature = "postgres")]
            Self::Server(database) => database.url(),
        }
    }

    /// Counts every row.
    pub(crate) fn audit(&self, contender: Contender, expected: Expected) -> Result<(), String> {
        let Expected { payments, items, receivers } = expected;
        let receivers = receivers as usize;
        let rows: &[(usize, &str)] = match contender.rows() {
            Rows::None => &[],
            Rows::Athm => &[
                (1, "athm_transaction WHERE status = 'completed'"),
                (items, "athm_item"),
                (1, "athm_event"),
                (receivers, "athm_delivery WHERE state = 'succeeded'"),
                (receivers, "athm_delivery"),
                (0, "athm_inbox"),
            ],
            Rows::ByHand => &[(1, "payment"), (items, "item"), (receivers, "delivery WHERE state = 'succeeded'")],
            Rows::Django => &[(1, "athm_payment WHERE status = 'COMPLETED'")],
        };
        let own = contender.has_own_rows().then_some((1, "bench_effect"));
        for (of_one, rows) in rows.iter().copied().chain(own) {
            let (kept, wanted) = (self.count(rows)?, of_one * payments);
            if kept != wanted {
                return Err(format!(
                    "of {payments} payments that were answered, it keeps {kept} of {rows}: {wanted} wanted"
                ));
            }
        }
        Ok(())
    }

    /// Waits until every delivery has succeeded. `idle` waits for more: copies of messages are written behind, at a pace of
    /// their own.
    pub(crate) fn wait_until_delivered(&self) -> Result<(), String> {
        while self.count("(SELECT 1 FROM athm_delivery WHERE state IN ('due', 'running') LIMIT 1) AS unfinished")? > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Makes that many deliveries due again, as before the first process that runs them.
    pub(crate) fn make_due(&self, deliveries: usize) -> Result<(), String> {
        let now = match self {
            Self::File(_) => "0",
            #[cfg(feature = "postgres")]
            // One time for all: the deliveries of a payment are due together, as after an outage.
            Self::Server(_) => "now()",
        };
        self.execute(&format!(
            "UPDATE athm_delivery SET state = 'due', due_at = {now}, claim = NULL, attempts = 0, finished_at = NULL \
             WHERE id IN (SELECT id FROM athm_delivery ORDER BY id LIMIT {deliveries})"
        ))?;
        match self {
            Self::File(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Server(_) => self.execute("VACUUM ANALYZE athm_delivery"),
        }
    }

    /// Inserts payments that were delivered yesterday. The tables must be there.
    pub(crate) fn grow(&self, payments: usize) -> Result<(), String> {
        let is_on_a_server = !matches!(self, Self::File(_));
        grown::statements(payments, is_on_a_server).iter().try_for_each(|sql| self.execute(sql))?;
        if is_on_a_server { self.execute("VACUUM ANALYZE") } else { Ok(()) }
    }

    /// Keeps it under `target/bench`, for other measurements with that many payments. Only a file can be kept.
    pub(crate) fn keep_prepared(&self, payments: usize) -> std::io::Result<()> {
        let Some(path) = self.path() else { return Ok(()) };
        let prepared = prepared_path(payments);
        let unfinished = prepared.with_extension("unfinished");
        fs::create_dir_all(crate::BENCH_FOLDER)?;
        fs::copy(path, &unfinished)?;
        fs::rename(unfinished, prepared)
    }

    /// Becomes a copy of the prepared one with that many payments. Whether there is one.
    pub(crate) fn copy_prepared(&self, payments: usize) -> std::io::Result<bool> {
        let Some(path) = self.path() else { return Ok(false) };
        let prepared = prepared_path(payments);
        let modified = fs::metadata(&prepared).and_then(|file| file.modified());
        let is_usable = modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age < MAX_AGE));
        if is_usable {
            fs::copy(prepared, &path)?;
            // Otherwise the system writes the copy during the turn.
            fs::File::open(path)?.sync_all()?;
        }
        Ok(is_usable)
    }

    /// The path, if it is a file.
    fn path(&self) -> Option<String> {
        match self {
            Self::File(database) => Some(database.path()),
            #[cfg(feature = "postgres")]
            Self::Server(_) => None,
        }
    }

    fn execute(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::File(database) => {
                let executed =
                    rusqlite::Connection::open(database.path()).and_then(|connection| connection.execute_batch(sql));
                executed.map_err(|error| error.to_string())
            }
            #[cfg(feature = "postgres")]
            Self::Server(database) => {
                database.query(sql);
                Ok(())
            }
        }
    }

    fn count(&self, rows: &str) -> Result<usize, String> {
        let sql = format!("SELECT count(*) FROM {rows}");
        match self {
            Self::File(database) => {
                let counted = rusqlite::Connection::open(database.path())
                    .and_then(|connection| connection.query_row(&sql, [], |row| row.get::<_, i64>(0)));
                usize::try_from(counted.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
            }
            #[cfg(feature = "postgres")]
            Self::Server(database) => database.query(&sql).concat().parse().map_err(|_| format!("no number: {sql}")),
        }
    }
}

/// Its name has the number of migrations: the next one would otherwise run during a measurement.
fn prepared_path(payments: usize) -> PathBuf {
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/../athm-core/src/store/migrations/sqlite");
    let migrations = fs::read_dir(migrations).map_or(0, Iterator::count);
    PathBuf::from(crate::BENCH_FOLDER).join(format!("{payments}-payments-{migrations}.db"))
}
