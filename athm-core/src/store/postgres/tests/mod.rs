//! Tests of what only this backend does. They need a server, which `tests/with-postgres` starts; without one they are
//! ignored, and never counted as passed.

mod claims;
mod clocks;
mod damaged;
mod inbox;
mod locks;
mod queries;
mod server;
mod writes;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::claim::claim_deliveries;
use super::*;
use crate::models::Status;
use crate::outbox::{Attempt, AttemptOutcome, ClaimKind, ClaimedAttempt, DeliveryState, LEASE, Outbox, Unstarted};
use crate::store::DamagedRows;
use crate::store::fixtures::{RUNNABLE, claim, claim_of_many_receivers, context, failed, message, record};
use crate::store::{Batching, InboxState, PollLane};
use crate::util::clock::{earlier, later};

/// A process on a database schema of its own.
struct StoreFixture {
    store: Postgres,
    clock: Clock,
    outbox: Outbox,
    unstarted: Unstarted,
    url: String,
}

fn server() -> String {
    std::env::var("ATHM_TEST_POSTGRES_URL").expect("ATHM_TEST_POSTGRES_URL: run this through tests/with-postgres")
}

async fn query(url: &str, sql: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let answers = client.simple_query(sql).await.unwrap();
    drop(client);
    let _ = connection.await;
    let first = answers.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    first.collect()
}

/// The address of a server, with settings of the session: `-cname%3Dvalue`.
fn with_settings(url: &str, settings: &str) -> String {
    url.replace("options=", &format!("options={settings}%20"))
}

/// A session of another process.
async fn session(url: &str) -> Arc<Session> {
    let address = Arc::new(Address::parse(url).unwrap());
    let client = ReconnectingClient::new(address, tokio::runtime::Handle::current(), DamagedRows::default());
    client.session().await.unwrap()
}

impl StoreFixture {
    async fn new(slots: usize) -> Self {
        Self::on(Self::schema().await, Clock::manual(), slots, Batching::Grouped).await
    }

    async fn schema() -> String {
        let schema = format!("store_{}", Uuid::now_v7().simple());
        query(&server(), &format!("CREATE SCHEMA {schema}")).await;
        let (server, schema) = (server(), format!("options=-csearch_path%3D{schema}"));
        if server.contains('?') { format!("{server}&{schema}") } else { format!("{server}?{schema}") }
    }

    async fn on(url: String, clock: Clock, slots: usize, batching: Batching) -> Self {
        let (context, unstarted) = context(&clock, slots, batching);
        let outbox = context.outbox.clone();
        let store = Postgres::open(&url, context).await.unwrap();
        Self { store, clock, outbox, unstarted, url }
    }

    /// On the system's clock, which the server's waiting follows.
    async fn in_real_time() -> Self {
        Self::on(Self::schema().await, Clock::system(), 8, Batching::Grouped).await
    }

    /// Another process on the same database, whose clock is its own.
    async fn beside(&self, clock: Clock) -> Self {
        Self::on(self.url.clone(), clock, 0, Batching::Grouped).await
    }

    async fn record(&self, n: u32) -> std::result::Result<Recorded, StoreError> {
        self.store.record(record(&format!("reference-{n}"), None)).await
    }

    async fn query(&self, sql: &str) -> Vec<String> {
        query(&self.url, sql).await
    }

    /// Waits until a query has this answer, for a minute at most.
    async fn until(&self, sql: &str, answer: &str) {
        let answered = timeout(Duration::from_secs(60), async {
            while self.query(sql).await != [answer] {
                tokio::task::yield_now().await;
            }
        });
        answered.await.unwrap();
    }

    async fn count(&self, of: &str) -> u32 {
        self.query(&format!("SELECT count(*) FROM {of}")).await[0].parse().unwrap()
    }

    /// The deliveries that run here.
    fn running(&self) -> Vec<(DeliveryId, Attempt)> {
        let running = self.outbox.running.all().into_iter();
        running.map(|(id, ClaimedAttempt { attempt, .. })| (id, attempt)).collect()
    }

    /// Claims as another process with the same receiver would: it doesn't know what runs here.
    async fn claim(&self) -> Vec<(DeliveryId, Attempt)> {
        let session = session(&self.url).await;
        let offset = session.clock_offset(&self.clock).await.unwrap();
        session.begin().await.unwrap();
        let (context, _unstarted) = context(&self.clock, 0, Batching::Grouped);
        let batch = BatchContext { session: &session, offset, context: &context };
        let rows = claim_deliveries(batch, &claim(&self.clock), Vec::new(), 8).await.unwrap();
        session.commit().await.unwrap();
        rows.iter().map(|row| (row.delivery.id, row.attempt)).collect()
    }

    async fn acknowledge(&self, (id, attempt): (DeliveryId, Attempt), outcome: AttemptOutcome) -> DeliveryRecord {
        self.store
            .acknowledge(Acknowledgement { id, attempt, at: self.clock.steady(), outcome, run: None })
            .await
            .unwrap();
        self.store.list_deliveries(DeliverySelection::One(id)).await.unwrap().remove(0)
    }
}
