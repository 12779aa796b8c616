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
        Some(("sqlite", path)) => Ok(Arc::new(Sqlite::open(path, context)?)),
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

fn not_ours(found: &str) -> StoreError {
    let reason = format!("expected one such as sqlite://athm.db or postgres://shop@localhost/shop, found {found}");
    StoreError::Address { reason }
}
