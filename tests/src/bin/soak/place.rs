//! Where payments are kept.

use std::path::Path;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatabaseKind {
    /// A file.
    Sqlite,
    /// A schema of its own on the server of tests/with-postgres.
    Postgres,
}

/// A database of this run's own.
pub(crate) enum Place {
    File(String),
    #[cfg(feature = "postgres")]
    Server(athm_tests::PostgresDatabase),
}

impl Place {
    pub(crate) fn new(kind: DatabaseKind, folder: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        match kind {
            DatabaseKind::Sqlite => Ok(Self::File(format!("sqlite://{}", folder.join("athm.db").display()))),
            #[cfg(feature = "postgres")]
            DatabaseKind::Postgres if std::env::var_os("ATHM_TEST_POSTGRES_URL").is_some() => {
                Ok(Self::Server(athm_tests::PostgresDatabase::new()))
            }
            DatabaseKind::Postgres => {
                Err("PostgreSQL needs --features postgres and a server: tests/with-postgres".into())
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(url) => url.clone(),
            #[cfg(feature = "postgres")]
            Self::Server(database) => database.url(),
        }
    }
}
