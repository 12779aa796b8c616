//! What can go wrong with the database.

use crate::receiver::BoxError;
use crate::util::schedule::NextRun;

/// Why the database could not do it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address names no database, or something about it that can't be used.
    #[error("the database's address can't be used: {reason}")]
    Address {
        /// What is wrong with it, and what was expected. A password isn't in it.
        reason: String,
    },
    /// The address names a database that this program was built without.
    #[error("this database needs the feature `{feature}` of athm-actix (or athm-core)")]
    Feature {
        /// The feature to switch on.
        feature: &'static str,
    },
    /// The file can't be made or opened.
    #[error("{path} can't be used: does its folder exist, and may it be written to?")]
    Unusable {
        /// The database file.
        path: String,
        /// What the system says.
        #[source]
        source: std::sync::Arc<std::io::Error>,
    },
    /// Another process has the file.
    #[error("{path} is in use by another process: one SQLite file serves one process")]
    InUse {
        /// The database file.
        path: String,
    },
    /// The tables were made by a newer athm.
    #[error("the database is at version {found}, this athm knows versions up to {known}: use a newer one")]
    Newer {
        /// The version that the tables have.
        found: u32,
        /// The newest version that this athm knows.
        known: u32,
    },
    /// More waits to be written than can be held: try again in a moment.
    #[error("too much waits to be written")]
    Busy,
    /// More messages wait for the provider's word than are kept: try again later.
    #[error("too many messages wait for the provider's word")]
    InboxFull,
    /// athm is shutting down.
    #[error("the database is closed")]
    Closed,
    /// A mistake of athm's own: please report it.
    #[error("athm panicked as it wrote: please report it")]
    Panicked,
    /// The database refused, or can't be reached.
    #[error("the database failed")]
    Database(#[source] SharedError),
}

impl StoreError {
    /// When a background task runs again that failed with this.
    pub(crate) fn next_run(&self) -> NextRun {
        if matches!(self, Self::Closed) { NextRun::Never } else { NextRun::AfterFailure }
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn database(error: impl Into<BoxError>) -> Self {
        Self::Database(SharedError(error.into().into()))
    }
}

/// An error that several callers get: all whose writes were in one commit.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct SharedError(std::sync::Arc<dyn std::error::Error + Send + Sync>);
