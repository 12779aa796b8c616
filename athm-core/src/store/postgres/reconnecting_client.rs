//! A connection that is made when it is needed, and again after it was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::address::Address;
use super::clock_offset::LastOffset;
use super::fault::{Fault, Result};
use super::session::Session;
use crate::store::{DamagedRows, StoreError};
use crate::util::backoff::Backoff;
use crate::util::text::causes;

/// The pauses between attempts to connect: 100 ms, 200 ms, 400 ms … 5 s.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), 2, Duration::from_secs(5));

pub(super) struct ReconnectingClient {
    address: Arc<Address>,
    background: Handle,
    last_offset: Arc<LastOffset>,
    damaged: DamagedRows,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    /// How many attempts to connect have failed in a row, when the last one did, and why.
    failed: Option<(u32, Instant, StoreError)>,
}

impl ReconnectingClient {
    pub(super) fn new(address: Arc<Address>, background: Handle, damaged: DamagedRows) -> Self {
        Self { address, background, last_offset: Arc::default(), damaged, state: Mutex::default() }
    }

    /// Another connection to the same server. They use one clock offset.
    pub(super) fn sibling(&self) -> Self {
        let last_offset = Arc::clone(&self.last_offset);
        Self { last_offset, ..Self::new(Arc::clone(&self.address), self.background.clone(), self.damaged.clone()) }
    }

    /// The connection, which is made if there is none. After a failed attempt to connect, callers get its error at once
    /// until the pause is over: they don't queue up behind a server that is down.
    pub(super) async fn session(&self) -> Result<Arc<Session>> {
        let mut state = self.state.lock().await;
        if let Some(session) = state.session.as_ref().filter(|session| !session.is_closed()) {
            return Ok(Arc::clone(session));
        }
        state.session = None;
        if let Some((attempts, since, error)) = &state.failed
            && since.elapsed() < BACKOFF.pause_after(*attempts)
        {
            return Err(Fault::Lost(error.clone()));
        }
        let (last_offset, damaged) = (Arc::clone(&self.last_offset), self.damaged.clone());
        match Session::connect(&self.address, &self.background, last_offset, damaged).await {
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

    /// Ends a connection that was lost, or whose state isn't known. The next call of [`session`](Self::session) makes a
    /// new one.
    pub(super) async fn discard(&self, lost: &Arc<Session>) {
        lost.abort();
        self.state.lock().await.session.take_if(|session| Arc::ptr_eq(session, lost));
    }

    /// Closes the connection in an orderly way, once nothing uses it.
    pub(super) async fn close(&self) {
        self.state.lock().await.session = None;
    }
}
