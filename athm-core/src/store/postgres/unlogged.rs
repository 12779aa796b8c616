//! What is bound to a statement, kept out of the log.

use std::error::Error;
use std::fmt;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

/// A value whose `Debug` tells nothing: the driver writes the values of every statement into the log at the level DEBUG,
/// customers and secrets included.
pub(super) struct Unlogged<T>(pub(super) T);

impl<T> fmt::Debug for Unlogged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T: ToSql> ToSql for Unlogged<T> {
    fn to_sql(&self, sort: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql(sort, out)
    }

    fn accepts(sort: &Type) -> bool {
        T::accepts(sort)
    }

    fn encode_format(&self, sort: &Type) -> Format {
        self.0.encode_format(sort)
    }

    to_sql_checked!();
}
