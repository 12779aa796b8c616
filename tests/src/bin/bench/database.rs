//! The database of a contender: a new one for each measurement.

use athm_tests::SqliteDatabase;

use crate::contender::Contender;

pub(crate) enum ContenderDatabase {
    /// Also of one that keeps none: it opens a database as all do, and leaves it alone.
    File(SqliteDatabase),
    #[cfg(feature = "postgres")]
    Server(athm_tests::PostgresDatabase),
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

    /// Counts every row: each of these payments has two items, an event and two succeeded deliveries, and a row of the
    /// receiver's own if it has any.
    pub(crate) fn audit(&self, contender: Contender, payments: i64) -> Result<(), String> {
        let own = contender.has_own_rows().then_some((1, "bench_effect"));
        for (of_one, rows) in [
            (1, "athm_transaction WHERE status = 'completed'"),
            (2, "athm_item"),
            (1, "athm_event"),
            (2, "athm_delivery WHERE state = 'succeeded'"),
            (2, "athm_delivery"),
            (0, "athm_inbox"),
        ]
        .into_iter()
        .chain(own)
        {
            let (kept, wanted) = (self.count(rows)?, of_one * payments);
            if kept != wanted {
                return Err(format!(
                    "of {payments} payments that were answered, it keeps {kept} of {rows}: {wanted} wanted"
                ));
            }
        }
        Ok(())
    }

    fn count(&self, rows: &str) -> Result<i64, String> {
        let sql = format!("SELECT count(*) FROM {rows}");
        match self {
            Self::File(database) => {
                let counted = rusqlite::Connection::open(database.path())
                    .and_then(|connection| connection.query_row(&sql, [], |row| row.get(0)));
                counted.map_err(|error| error.to_string())
            }
            #[cfg(feature = "postgres")]
            Self::Server(database) => database.query(&sql).concat().parse().map_err(|_| format!("no number: {sql}")),
        }
    }
}
