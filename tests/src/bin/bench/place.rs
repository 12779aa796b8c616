//! Where a contender keeps its rows: a database of its own for each turn.

use tempfile::TempDir;

use crate::contender::Contender;

pub(crate) enum Place {
    /// Also of one that keeps none: it opens a database as all do, and leaves it alone.
    Folder(TempDir),
    #[cfg(feature = "postgres")]
    Server(athm_tests::PostgresDatabase),
}

impl Place {
    pub(crate) fn of(contender: Contender) -> std::io::Result<Self> {
        match contender {
            #[cfg(feature = "postgres")]
            Contender::PostgresGrouped | Contender::PostgresOneByOne => {
                Ok(Self::Server(athm_tests::PostgresDatabase::new()))
            }
            _ => Ok(Self::Folder(tempfile::tempdir()?)),
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite://{}", folder.path().join("athm.db").display()),
            #[cfg(feature = "postgres")]
            Self::Server(database) => database.url(),
        }
    }
}
