//! A connection, and how it is made again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::address::Address;
use super::fault::{Fault, Result};
use super::row::{self, Columns};
use crate::store::StoreError;
use crate::util::backoff::Backoff;
use crate::util::clock::Clock;
use crate::util::text::causes;

/// The pauses between attempts to connect: 100 ms, 200 ms, 400 ms … 5 s.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), 2, Duration::from_secs(5));
/// How long a server may take until it is ready for the first statement.
const CONNECTING: Duration = Duration::from_secs(10);
/// Every statement finds its rows by an index: a table that was empty when a statement was planned would be read as a
/// whole ever after. Discouraged like that, a scan looks so expensive that the statement would be compiled.
///
/// A process whose machine vanishes in the middle of a commit must not hold its locks for longer than moments, and who
/// waits for one must not hold up everybody else. What the server or the address sets is left as it is.
const SETTINGS: &str = "SET enable_seqscan = off; SET jit = off; \
    SELECT set_config(name, value, false) \
    FROM (VALUES ('idle_in_transaction_session_timeout', '10s'), ('lock_timeout', '2s')) AS wanted (name, value) \
    WHERE current_setting(name) = '0'";

/// How long the server's clock and ours go alike.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// What is bound to a statement.
pub(super) type Values<'a> = Vec<Box<dyn ToSql + Sync + Send + 'a>>;

macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($crate::store::postgres::unlogged::Unlogged($value)) as Box<dyn tokio_postgres::types::ToSql + Sync + Send + '_>),*]
    };
}
pub(super) use values;

/// What is sent at once, to be executed in this order.
pub(super) type Statements<'a> = Vec<(&'static str, Values<'a>)>;

/// When the server was asked for the time, and what it said. All connections of a process go by one answer: with one
/// each, what is due by one of them may not yet be due by another.
type AskedTime = Mutex<Option<(Instant, Times)>>;

/// A connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    times: Arc<AskedTime>,
    connection: AbortHandle,
}

impl Session {
    /// A server that is reached and says nothing counts as one that isn't reached.
    async fn connect(
        address: &Address,
        background: &Handle,
        times: Arc<AskedTime>,
    ) -> std::result::Result<Self, StoreError> {
        let connected = timeout(CONNECTING, Self::connect_patiently(address, background, times)).await;
        connected.unwrap_or_else(|_| Err(Fault::slow().into_error()))
    }

    async fn connect_patiently(
        address: &Address,
        background: &Handle,
        times: Arc<AskedTime>,
    ) -> std::result::Result<Self, StoreError> {
        let connected = address.config.connect(address.tls.clone()).await;
        let (client, connection) = connected.map_err(|error| Fault::from(error).into_error())?;
        let connection = background.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = causes(&Fault::from(error).into_error()), "a connection to the database ended");
            }
        });
        client.batch_execute(SETTINGS).await.map_err(|error| Fault::from(error).into_error())?;
        Ok(Self { client, statements: Mutex::default(), times, connection: connection.abort_handle() })
    }

    /// Ends it at once, whatever it waits for: the server undoes what was begun.
    pub(super) fn abort(&self) {
        self.connection.abort();
    }

    pub(super) async fn all<T>(
        &self,
        sql: &'static str,
        values: Values<'_>,
        read: impl Fn(&mut Columns<'_>) -> row::Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.statement(sql).await?;
        let rows = self.client.query(&statement, &bound(&values)).await?;
        rows.iter().map(|row| Ok(read(&mut Columns::of(row))?)).collect()
    }

    pub(super) async fn one<T>(
        &self,
        sql: &'static str,
        values: Values<'_>,
        read: impl Fn(&mut Columns<'_>) -> row::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.all(sql, values, read).await?.into_iter().next())
    }

    pub(super) async fn execute(&self, sql: &'static str, values: Values<'_>) -> Result<u64> {
        let statement = self.statement(sql).await?;
        Ok(self.client.execute(&statement, &bound(&values)).await?)
    }

    /// Sends all of them at once; the server executes them in this order.
    pub(super) async fn execute_all(&self, statements: Statements<'_>) -> Result<()> {
        // Prepared first: one that waited for that would be overtaken by the next.
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

    /// Several statements without values.
    pub(super) async fn run(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Begins a database transaction. What is locked is read as it is then, whatever the server's default.
    pub(super) async fn begin(&self) -> Result<()> {
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED").await
    }

    pub(super) async fn commit(&self) -> Result<()> {
        self.run("COMMIT").await.map_err(|fault| match fault {
            Fault::Lost(error) => Fault::Unknown(error),
            other => other,
        })
    }

    /// What time it is there. Asked now and then: between that, our steady clock goes as the server's does.
    pub(super) async fn times(&self, clock: &Clock) -> Result<Times> {
        if clock.is_manual() {
            return Ok(Times { ahead: SignedDuration::ZERO });
        }
        let known = *self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, times)) = known
            && asked.elapsed() < GOOD_FOR
        {
            return Ok(times);
        }
        let (asked, here) = (Instant::now(), clock.steady());
        let there = self.one("SELECT clock_timestamp()", values![], |columns| columns.time()).await?.unwrap_or(here);
        clock.follow(there);
        let times = Times { ahead: there.duration_since(here) };
        *self.times.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, times));
        Ok(times)
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

fn bound<'a>(values: &'a Values<'_>) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}

/// Between this process's time and the server's, by which processes agree on deadlines. Of a clock that a test moves,
/// the time is the same everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    ahead: SignedDuration,
}

impl Times {
    pub(super) fn there(self, here: Timestamp) -> Timestamp {
        storable(here.saturating_add(self.ahead).unwrap_or(here))
    }

    pub(super) fn here(self, there: Timestamp) -> Timestamp {
        there.saturating_sub(self.ahead).unwrap_or(there)
    }
}

/// Times before the year 1, which no payment has, are PostgreSQL's only up to a point, and many programs' not at all.
pub(super) fn storable(time: Timestamp) -> Timestamp {
    time.max(Timestamp::from_second(-62_135_596_800).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// PostgreSQL's text holds every character but U+0000.
pub(super) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let text = text.into();
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { text }
}

/// One value of each: a column of a batch.
pub(super) fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

pub(super) fn integer(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A connection that is made when it is needed, and again when it was lost.
pub(super) struct ReconnectingClient {
    address: Arc<Address>,
    background: Handle,
    times: Arc<AskedTime>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    /// How many attempts to connect have failed in a row, when the last one did, and why.
    failed: Option<(u32, Instant, StoreError)>,
}

impl ReconnectingClient {
    pub(super) fn new(address: Arc<Address>, background: Handle) -> Self {
        Self { address, background, times: Arc::default(), state: tokio::sync::Mutex::default() }
    }

    /// Another connection to the same server.
    pub(super) fn beside(&self) -> Self {
        Self { times: Arc::clone(&self.times), ..Self::new(Arc::clone(&self.address), self.background.clone()) }
    }

    /// The connection. When it can't be made, that is said at once until it is time to try again.
    pub(super) async fn session(&self) -> Result<Arc<Session>> {
        let mut state = self.state.lock().await;
        if let Some(session) = state.session.as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(Arc::clone(session));
        }
        state.session = None;
        if let Some((attempts, since, error)) = &state.failed
            && since.elapsed() < BACKOFF.pause_after(*attempts)
        {
            return Err(Fault::Lost(error.clone()));
        }
        match Session::connect(&self.address, &self.background, Arc::clone(&self.times)).await {
            Ok(session) => {
                let session = Arc::new(session);
                *state = State { session: Some(Arc::clone(&session)), failed: None };
                Ok(session)
            }
            Err(error) => {
                let attempts = state.failed.as_ref().map_or(1, |(attempts, ..)| attempts.saturating_add(1));
                let pause = BACKOFF.pause_after(attempts);
                tracing::warn!(error = causes(&error), ?pause, "the database can't be reached; tried again");
                state.failed = Some((attempts, Instant::now(), error.clone()));
                Err(Fault::Lost(error))
            }
        }
    }

    /// Ends this one at once, and makes another the next time.
    pub(super) async fn forget(&self, lost: &Arc<Session>) {
        lost.abort();
        self.state.lock().await.session.take_if(|session| Arc::ptr_eq(session, lost));
    }

    /// Ends the connection in peace.
    pub(super) async fn close(&self) {
        self.state.lock().await.session = None;
    }
}
