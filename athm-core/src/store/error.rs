//! Errors of the store.

use crate::receiver::BoxError;
use crate::util::schedule::NextRun;
use crate::util::text::causes;

/// Why the store failed.
///
/// ```
/// use athm_core::errors::StoreError;
///
/// fn is_worth_a_retry(error: &StoreError) -> bool {
///     matches!(error, StoreError::Busy | StoreError::InboxFull | StoreError::Locked(_) | StoreError::Database(_))
/// }
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database's URL can't be used.
    #[error("the database's address can't be used: {reason}")]
    Address {
        /// What is wrong with it, and what was expected. It never contains the password.
        reason: String,
    },
    /// The URL names a kind of database that this program was built without.
    #[error("this database needs the feature `{feature}` of athm-actix (or athm-core)")]
    Feature {
        /// The feature to switch on.
        feature: &'static str,
    },
    /// The database file can't be created or opened.
    #[error("{path} can't be used: does its folder exist, and may it be written to?")]
    Unusable {
        /// The database file.
        path: String,
        /// The operating system's error.
        #[source]
        source: std::sync::Arc<std::io::Error>,
    },
    /// Another process has locked the database file.
    #[error("{path} is in use by another process: one SQLite file serves one process")]
    InUse {
        /// The database file.
        path: String,
    },
    /// SQLite can't keep a write-ahead log (WAL) beside the file.
    #[error("the database's journal mode is {found:?}, expected \"wal\": is the file on a network file system?")]
    JournalMode {
        /// The journal mode that the file has.
        found: String,
    },
    /// The file is the database of another program.
    #[error("the database belongs to another application, with the application_id {found}: use a file of its own")]
    OtherApplication {
        /// The `application_id` in the file.
        found: i32,
    },
    /// A newer version of athm has migrated the tables.
    #[error("the database is at version {found}, this athm knows versions up to {known}: use a newer one")]
    Newer {
        /// The version of the tables.
        found: u32,
        /// The newest version that this version of athm knows.
        known: u32,
    },
    /// The PostgreSQL database can't store every text.
    #[error("the database's encoding is {found}, expected UTF8: create it with ENCODING 'UTF8' TEMPLATE template0")]
    Encoding {
        /// The encoding that the database has.
        found: String,
    },
    /// Too many writes are queued: try again in a moment.
    #[error("too many writes are queued: try again in a moment")]
    Busy,
    /// Too many messages are pending, about payments that aren't known: try again later.
    #[error("too many messages are pending: try again later")]
    InboxFull,
    /// athm is shutting down.
    #[error("the database is closed")]
    Closed,
    /// A write panicked, which is a bug in athm: please report it.
    #[error("a write panicked, which is a bug in athm: please report it")]
    Panicked,
    /// Another connection kept SQLite's write lock for longer than athm waits, 5 s: a transaction of the program's own that
    /// calls athm before it has ended, perhaps. No write of athm's can begin before that transaction ends.
    #[error(
        "another connection kept SQLite's write lock for 5 seconds: commit or roll back a write transaction of your own \
         before you call athm"
    )]
    Locked(#[source] SharedError),
    /// A row that this needs can't be read: it was edited by hand, or written by a newer version.
    #[error("a row can't be read: it was edited by hand, or written by a newer version of athm")]
    Damaged(#[source] SharedError),
    /// The database refused a statement, or can't be reached.
    #[error("the database failed")]
    Database(#[source] SharedError),
}

impl StoreError {
    /// Logs that a background task failed with this, and says when it runs again. A closed database ends the task, which
    /// is no failure: athm is shutting down.
    pub(crate) fn log_failed_run(&self, message: &'static str) -> NextRun {
        if matches!(self, Self::Closed) {
            return NextRun::Never;
        }
        tracing::error!(error = causes(self), "{message}");
        NextRun::AfterFailure
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn database(error: impl Into<BoxError>) -> Self {
        Self::Database(SharedError::new(error))
    }
}

/// An error that several callers receive: all whose writes were in one commit.
///
/// ```
/// use athm_core::errors::StoreError;
///
/// fn database_error(error: &StoreError) -> Option<String> {
///     if let StoreError::Database(error) = error { Some(error.to_string()) } else { None }
/// }
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct SharedError(std::sync::Arc<dyn std::error::Error + Send + Sync>);

impl SharedError {
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into().into())
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;

    /// Counts what is logged as an error.
    #[derive(Clone, Default)]
    struct Errors(Arc<AtomicU32>);

    impl Subscriber for Errors {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn event(&self, event: &Event<'_>) {
            self.0.fetch_add(u32::from(*event.metadata().level() == Level::ERROR), Ordering::Relaxed);
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_background_task_that_meets_the_shutdown_ends_without_logging_an_error() {
        let errors = Errors::default();
        let (closed, busy) = tracing::subscriber::with_default(errors.clone(), || {
            (StoreError::Closed.log_failed_run("it failed"), StoreError::Busy.log_failed_run("it failed"))
        });
        assert_eq!((closed, busy), (NextRun::Never, NextRun::AfterFailure));
        assert_eq!(errors.0.load(Ordering::Relaxed), 1);
    }
}
