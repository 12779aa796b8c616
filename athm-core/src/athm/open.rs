//! Chooses the storage backend by the database's address.

use std::sync::Arc;

#[cfg(feature = "postgres")]
use crate::store::postgres::Postgres;
#[cfg(feature = "sqlite")]
use crate::store::sqlite::Sqlite;
use crate::store::{Store, StoreContext, StoreError};

/// Opens the database that the address names, and brings its tables up to date.
#[cfg_attr(not(feature = "postgres"), expect(clippy::unused_async, reason = "a file is opened at once"))]
pub(super) async fn open(url: &str, context: StoreContext) -> Result<Arc<dyn Store>, StoreError> {
    match url.split_once("://") {
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => Ok(Arc::new(Sqlite::open(sqlite_path(path), context)?)),
        #[cfg(not(feature = "sqlite"))]
        Some(("sqlite", _)) => Err(StoreError::Feature { feature: "sqlite" }),
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(Postgres::open(url, context).await?)),
        #[cfg(not(feature = "postgres"))]
        Some(("postgres" | "postgresql", _)) => Err(StoreError::Feature { feature: "postgres" }),
        // No more of it is repeated: the rest may hold a password.
        Some((other, _)) => Err(not_ours(&format!("{other}://…"))),
        None => Err(not_ours("none of them")),
    }
}

/// The file that an address of SQLite names. Windows paths may stand behind a third slash, as in `sqlite:///C:/data/athm.db`.
#[cfg(feature = "sqlite")]
fn sqlite_path(path: &str) -> &str {
    match path.strip_prefix('/') {
        Some(rest) if has_drive(rest) => rest,
        _ => path,
    }
}

/// Whether the path begins with a drive: `C:/` or `C:\`.
#[cfg(feature = "sqlite")]
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

fn not_ours(found: &str) -> StoreError {
    let reason = format!("expected one such as sqlite://athm.db or postgres://shop@localhost/shop, found {found}");
    StoreError::Address { reason }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::sqlite_path;

    #[test]
    fn an_absolute_windows_path_may_follow_two_or_three_slashes() {
        assert_eq!(sqlite_path("/C:/data/athm.db"), "C:/data/athm.db");
        assert_eq!(sqlite_path(r"/C:\data\athm.db"), r"C:\data\athm.db");
        assert_eq!(sqlite_path(r"C:\data\athm.db"), r"C:\data\athm.db");
        for path in ["athm.db", "/var/lib/athm.db", "/c/athm.db", "/1:/athm.db"] {
            assert_eq!(sqlite_path(path), path);
        }
    }
}
