//! Where the payments under test are kept.

use std::path::Path;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatabaseKind {
    Sqlite,
    /// On the server that `ATHM_TEST_POSTGRES_URL` names: run this through `tests/with-postgres`.
    #[cfg(feature = "postgres")]
    Postgres,
}

/// An empty one, gone when it is dropped.
pub(crate) enum Database {
    Sqlite(String),
    #[cfg(feature = "postgres")]
    Postgres(athm_tests::PostgresDatabase),
}

impl Database {
    pub(crate) fn open(kind: DatabaseKind, folder: &Path) -> Self {
        match kind {
            DatabaseKind::Sqlite => Self::Sqlite(format!("sqlite://{}", folder.join("athm.db").display())),
            #[cfg(feature = "postgres")]
            DatabaseKind::Postgres => Self::Postgres(athm_tests::PostgresDatabase::new()),
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(url) => url.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.url(),
        }
    }
}
