//! What is compared.

use std::fmt;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contender {
    /// The same HTTP handler, which parses the callback and keeps nothing.
    NoDatabase,
    /// SQLite with full durability, commits shared.
    SqliteGrouped,
    /// SQLite with full durability, one commit for every write.
    SqliteOneByOne,
    /// PostgreSQL, commits shared.
    PostgresGrouped,
    /// PostgreSQL, one commit for every write.
    PostgresOneByOne,
    /// SQLite, and a receiver with a row and a transaction of its own.
    SqliteOwnRow,
    /// The same, where that transaction completes the delivery.
    SqliteExactlyOnce,
    /// PostgreSQL, and a receiver with a row and a transaction of its own.
    PostgresOwnRow,
    /// The same, where that transaction completes the delivery.
    PostgresExactlyOnce,
    /// What a user would write by hand with actix-web and sqlx, on SQLite.
    ByHandSqlite,
    /// What a user would write by hand with actix-web and sqlx, on PostgreSQL.
    ByHandPostgres,
    /// django-athm under gunicorn, on SQLite.
    DjangoSqlite,
    /// django-athm under gunicorn, on PostgreSQL.
    DjangoPostgres,
}

/// What a contender's rows are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    None,
    Athm,
    ByHand,
    Django,
}

impl Contender {
    pub(crate) fn needs_server(self) -> bool {
        matches!(
            self,
            Self::PostgresGrouped
                | Self::PostgresOneByOne
                | Self::PostgresOwnRow
                | Self::PostgresExactlyOnce
                | Self::ByHandPostgres
                | Self::DjangoPostgres
        )
    }

    /// Whether its receiver has a row of its own.
    pub(crate) fn has_own_rows(self) -> bool {
        matches!(self, Self::SqliteOwnRow | Self::SqliteExactlyOnce | Self::PostgresOwnRow | Self::PostgresExactlyOnce)
    }

    pub(crate) fn is_exactly_once(self) -> bool {
        matches!(self, Self::SqliteExactlyOnce | Self::PostgresExactlyOnce)
    }

    pub(crate) fn rows(self) -> Rows {
        match self {
            Self::NoDatabase => Rows::None,
            Self::ByHandSqlite | Self::ByHandPostgres => Rows::ByHand,
            Self::DjangoSqlite | Self::DjangoPostgres => Rows::Django,
            _ => Rows::Athm,
        }
    }

    /// What it is compared with: the same work on the same database, by hand.
    pub(crate) fn by_hand(self) -> Self {
        if self.needs_server() { Self::ByHandPostgres } else { Self::ByHandSqlite }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoDatabase => "no database",
            Self::SqliteGrouped => "athm, SQLite",
            Self::SqliteOneByOne => "SQLite, one by one",
            Self::PostgresGrouped => "athm, PostgreSQL",
            Self::PostgresOneByOne => "PostgreSQL, one by one",
            Self::SqliteOwnRow => "SQLite, own row",
            Self::SqliteExactlyOnce => "SQLite, exactly once",
            Self::PostgresOwnRow => "PostgreSQL, own row",
            Self::PostgresExactlyOnce => "PostgreSQL, ex. once",
            Self::ByHandSqlite => "by hand, SQLite",
            Self::ByHandPostgres => "by hand, PostgreSQL",
            Self::DjangoSqlite => "django-athm, SQLite",
            Self::DjangoPostgres => "django-athm, PostgreSQL",
        })
    }
}
