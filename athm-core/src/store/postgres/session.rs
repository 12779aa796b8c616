//! One connection, with its prepared statements.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::address::Address;
use super::clock_offset::{ClockOffset, LastOffset, MAX_OFFSET_AGE};
use super::fault::{Fault, Result};
use super::row::{self, PostgresRow};
use super::values::{Statements, Values, bound, values};
use crate::store::row::Columns;
use crate::store::{DamagedRows, StoreError};
use crate::util::clock::Clock;
use crate::util::text::causes;

/// How long a connection may take until it is ready for the first statement.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Every statement finds its rows by an index. A statement that is planned while its table is empty would otherwise scan
/// the whole table for as long as the plan is cached. With sequential scans discouraged, plans look so expensive that the
/// server would compile them, hence `jit = off`.
///
/// A process whose machine vanishes during a transaction must hold its locks for moments only, and a process that waits for
/// a lock holds up all its other writes meanwhile ([`locked`](super::locked)). The server ends a statement for whose answer
/// this process has long stopped waiting. A timeout that the server or the address sets is kept.
///
/// READ COMMITTED reads a row as it is once its lock is held, whatever the server's default isolation is.
const SETTINGS: &str = "SET enable_seqscan = off; SET jit = off; SET default_transaction_isolation = 'read committed'; \
    SELECT set_config(name, value, false) \
    FROM (VALUES ('idle_in_transaction_session_timeout', '10s'), ('lock_timeout', '100ms'), ('statement_timeout', '60s')) \
    AS wanted (name, value) \
    WHERE current_setting(name) = '0'";

/// A connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    last_offset: Arc<LastOffset>,
    damaged: DamagedRows,
    connection: AbortHandle,
}

impl Session {
    /// Connects, within [`CONNECT_TIMEOUT`]: a server that accepts connections and doesn't answer counts as unreachable.
    pub(super) async fn connect(
        address: &Address,
        background: &Handle,
        last_offset: Arc<LastOffset>,
        damaged: DamagedRows,
    ) -> std::result::Result<Self, StoreError> {
        let connected =
            timeout(CONNECT_TIMEOUT, Self::connect_without_limit(address, background, last_offset, damaged)).await;
        connected.unwrap_or_else(|_| Err(Fault::timed_out().into_error()))
    }

    async fn connect_without_limit(
        address: &Address,
        background: &Handle,
        last_offset: Arc<LastOffset>,
        damaged: DamagedRows,
    ) -> std::result::Result<Self, StoreError> {
        let connected = address.config.connect(address.tls.clone()).await;
        let (client, connection) = connected.map_err(|error| Fault::from(error).into_error())?;
        let connection = background.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = causes(&Fault::from(error).into_error()), "a connection to the database ended");
            }
        });
        client.batch_execute(SETTINGS).await.map_err(|error| Fault::from(error).into_error())?;
        Ok(Self { client, statements: Mutex::default(), last_offset, damaged, connection: connection.abort_handle() })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Ends the connection at once, whatever it waits for. The server rolls back an open transaction.
    pub(super) fn abort(&self) {
        self.connection.abort();
    }

    pub(super) async fn all<T>(
        &self,
        sql: &'static str,
        values: Values<'_>,
        read: impl Fn(&mut PostgresRow<'_>) -> row::Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.statement(sql).await?;
        let rows = self.client.query(&statement, &bound(&values)).await?;
        rows.iter().map(|row| Ok(read(&mut PostgresRow::new(row))?)).collect()
    }

    /// Reads rows of which each stands for itself: those that can't be read are added to the damaged ones. The first column
    /// is the row's id. Returns those that can be read, and the ids of the others.
    pub(super) async fn readable<T>(
        &self,
        table: &'static str,
        sql: &'static str,
        values: Values<'_>,
        read: impl Fn(&mut PostgresRow<'_>) -> row::Result<T>,
    ) -> Result<(Vec<T>, Vec<Uuid>)> {
        let (mut rows, mut damaged) = (Vec::new(), Vec::new());
        let read = |row: &mut PostgresRow<'_>| {
            let id: Uuid = row.first()?;
            Ok(read(row).map_err(|error| (id, error)))
        };
        for found in self.all(sql, values, read).await? {
            match found {
                Ok(row) => rows.push(row),
                Err((id, error)) => {
                    self.damaged.add(table, id.to_string(), &error);
                    damaged.push(id);
                }
            }
        }
        Ok((rows, damaged))
    }

    pub(super) async fn one<T>(
        &self,
        sql: &'static str,
        values: Values<'_>,
        read: impl Fn(&mut PostgresRow<'_>) -> row::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.all(sql, values, read).await?.into_iter().next())
    }

    pub(super) async fn execute(&self, sql: &'static str, values: Values<'_>) -> Result<u64> {
        let statement = self.statement(sql).await?;
        Ok(self.client.execute(&statement, &bound(&values)).await?)
    }

    /// Sends all statements at once; the server executes them in this order.
    pub(super) async fn execute_all(&self, statements: Statements<'_>) -> Result<()> {
        // All are prepared first: while one waits for its preparation, the next would overtake it.
        let mut prepared = Vec::with_capacity(statements.len());
        for (sql, values) in statements {
            prepared.push((self.statement(sql).await?, values));
        }
        let sent = prepared.iter().map(|(statement, values)| async move {
            self.client.execute(statement, &bound(values)).await.map_err(Fault::from)
        });
        let results = join_all(sent).await.into_iter().filter_map(std::result::Result::err);
        results.reduce(Fault::or_cause).map_or(Ok(()), Err)
    }

    /// Executes statements without values.
    pub(super) async fn run(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(super) async fn begin(&self) -> Result<()> {
        self.run("BEGIN").await
    }

    /// Commits. When the connection is lost meanwhile, the server may or may not have committed.
    pub(super) async fn commit(&self) -> Result<()> {
        self.run("COMMIT").await.map_err(|fault| match fault {
            Fault::Lost(error) => Fault::Unknown(error),
            other => other,
        })
    }

    /// How far the server's clock is ahead of `clock`; see [`clock_offset`](super::clock_offset).
    pub(super) async fn clock_offset(&self, clock: &Clock) -> Result<ClockOffset> {
        if clock.is_manual() {
            return Ok(ClockOffset { ahead: SignedDuration::ZERO });
        }
        let last = *self.last_offset.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, offset)) = last
            && asked.elapsed() < MAX_OFFSET_AGE
        {
            return Ok(offset);
        }
        // The local time is read first. The offset is therefore too large, by at most the time that the answer took.
        let (asked, here) = (Instant::now(), clock.steady());
        let there = self.one("SELECT clock_timestamp()", values![], |row| row.time()).await?.unwrap_or(here);
        clock.follow(there);
        let offset = ClockOffset { ahead: there.duration_since(here) };
        *self.last_offset.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, offset));
        Ok(offset)
    }

    async fn statement(&self, sql: &'static str) -> Result<Statement> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement.clone());
        Ok(statement)
    }
}
