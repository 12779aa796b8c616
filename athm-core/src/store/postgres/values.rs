//! Values that are bound to a statement, and statements that are sent together.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use jiff::Timestamp;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

/// The values of one statement.
pub(super) type Values<'a> = Vec<Box<dyn ToSql + Sync + Send + 'a>>;

/// A statement with its values.
pub(super) type Statement<'a> = (&'static str, Values<'a>);

/// Statements that are sent at once, and executed in this order.
pub(super) type Statements<'a> = Vec<Statement<'a>>;

macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$(
            Box::new($crate::store::postgres::values::Redacted($value))
                as Box<dyn tokio_postgres::types::ToSql + Sync + Send + '_>
        ),*]
    };
}
pub(super) use values;

/// A value whose `Debug` shows nothing: the driver logs the values of every statement at the level DEBUG, customers and
/// secrets included.
pub(super) struct Redacted<T>(pub(super) T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T: ToSql> ToSql for Redacted<T> {
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

/// The values as the driver takes them.
pub(super) fn bound<'a>(values: &'a Values<'_>) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}

/// One value of each row: an array that `unnest` turns into a column.
pub(super) fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// PostgreSQL's text holds every character but U+0000, which becomes U+FFFD.
pub(super) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let text = text.into();
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { text }
}

/// A time that PostgreSQL stores: not before the year 1. No payment is older, and many programs can't read such times.
pub(super) fn storable(time: Timestamp) -> Timestamp {
    time.max(Timestamp::from_second(-62_135_596_800).unwrap_or(Timestamp::UNIX_EPOCH))
}

pub(super) fn integer(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
