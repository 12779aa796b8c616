//! Tests of what only this backend does. They need a server, which `tests/with-postgres` starts; without one they are
//! ignored, and never counted as passed.

mod queries;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

mod claims;
mod server;

use super::claim::claim_deliveries;
use super::*;
use crate::models::Status;
use crate::outbox::{Attempt, AttemptOutcome, ClaimKind, ClaimedAttempt, DeliveryState, LEASE, Outbox, Unstarted};
use crate::store::DamagedRows;
use crate::store::fixtures::{RUNNABLE, claim, context, failed, message, record};
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

    /// Claims as another process with the same receiver would: it doesn't know what runs here.
    async fn claim(&self) -> Vec<(DeliveryId, Attempt)> {
        let client = ReconnectingClient::new(
            Arc::new(Address::parse(&self.url).unwrap()),
            tokio::runtime::Handle::current(),
            DamagedRows::default(),
        );
        let session = client.session().await.unwrap();
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

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn rows_that_cannot_be_read_hold_up_no_other_and_are_listed() {
    let fixture = StoreFixture::new(0).await;
    for n in 0..12 {
        fixture.record(n).await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    let payment = |n: &str| format!("(SELECT id FROM athm_transaction WHERE reference_number = 'reference-{n}')");
    fixture
        .query(&format!(
            "UPDATE athm_item SET quantity = 'many' WHERE transaction_id = {};
             UPDATE athm_event SET transition = 'of a newer version' WHERE transaction_id = {};
             INSERT INTO athm_poll (transaction_id, attempts, due_at) SELECT id, 0, '-infinity' FROM athm_transaction;
             UPDATE athm_transaction SET reference_number = '' WHERE reference_number = 'reference-3';
             UPDATE athm_poll SET attempts = -9 WHERE transaction_id = {}",
            payment("1"),
            payment("2"),
            payment("4")
        ))
        .await;
    // Eight are claimed at a time. The damaged ones are among the first eight, and not among the second.
    assert_eq!((fixture.claim().await.len(), fixture.claim().await.len()), (5, 4));
    let page = fixture.store.list_payments(TransactionQuery::new().limit(8)).await.unwrap();
    let rest = fixture.store.list_payments(TransactionQuery::new().limit(1).after(page.next().unwrap())).await.unwrap();
    let last = fixture.store.list_payments(TransactionQuery::new().limit(1).after(rest.next().unwrap())).await.unwrap();
    assert_eq!((page.transactions().len(), rest.transactions().len(), last.transactions().len()), (8, 1, 1));
    assert_eq!(last.next(), None);
    let now = fixture.clock.steady();
    assert_eq!(fixture.store.claim_due_polls(PollLane::Payment, now, later(now, LEASE), 16).await.unwrap().len(), 9);
    let listed: Vec<_> = fixture.store.damaged_rows().iter().map(|row| row.table).collect();
    assert!(listed.contains(&"athm_transaction") && listed.contains(&"athm_poll"), "{listed:?}");
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_bad_record_fails_alone() {
    let fixture = StoreFixture::new(8).await;
    let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
    fixture.store.record(record("12-ab", Some(ours))).await.unwrap();
    let mut wrong = record("3-c", None);
    // The server refuses the statement.
    wrong.observed.total = Amount::from_cents(7);
    fixture.query("ALTER TABLE athm_transaction ADD CHECK (total <> 7)").await;
    let batch = [record("1-a", None), record("12-ab", Some(theirs)), wrong, record("2-b", None)];
    let results = join_all(batch.map(|record| fixture.store.record(record))).await;
    assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
    // Another payment has its reference number: it is recorded without it.
    let second = results[1].as_ref().unwrap().transaction();
    assert_eq!((second.reference_number(), second.ecommerce_id()), (None, Some(&theirs.into())));
    assert!(second.problem().unwrap().contains("12-ab"), "{:?}", second.problem());
    let Err(error @ StoreError::Database(_)) = &results[2] else { panic!("{:?}", results[2]) };
    assert!(!format!("{error:?}").contains("3-c"), "a row's content is shown: {error:?}");
    assert_eq!((fixture.count("athm_transaction").await, fixture.count("athm_event").await), (4, 4));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn writes_beyond_the_queues_limit_are_refused_and_acknowledgements_never_are() {
    let fixture = StoreFixture::new(8).await;
    let results: Vec<_> = (0..1200).map(|n| fixture.store.record(record(&format!("reference-{n}"), None))).collect();
    let acknowledgement = Acknowledgement {
        id: DeliveryId::new(),
        attempt: Attempt::first(ClaimId::new()),
        at: fixture.clock.steady(),
        outcome: AttemptOutcome::Succeeded,
        run: None,
    };
    fixture.store.acknowledge(acknowledgement).await.unwrap();
    let results = join_all(results).await;
    let busy = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    let recorded = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((busy, recorded), (1200 - 1024, 1024));
    assert_eq!(fixture.count("athm_transaction").await, 1024);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_a_late_success_counts_and_a_late_failure_is_dropped() {
    let fixture = StoreFixture::new(0).await;
    fixture.record(1).await.unwrap();
    let first = fixture.claim().await[0];
    assert!(fixture.claim().await.is_empty());
    fixture.clock.advance(LEASE + Duration::from_secs(1));
    let second = fixture.claim().await[0];
    assert_eq!((first.0, first.1.number, second.1.number), (second.0, 1, 1));

    assert_eq!(fixture.acknowledge(first, failed()).await.state, DeliveryState::Running);
    assert_eq!(fixture.acknowledge(first, AttemptOutcome::Unstarted).await.state, DeliveryState::Running);
    assert_eq!(fixture.acknowledge(first, AttemptOutcome::Succeeded).await.state, DeliveryState::Succeeded);
    assert_eq!(fixture.acknowledge(second, failed()).await.state, DeliveryState::Succeeded);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_a_delivery_whose_lease_is_renewed_is_not_claimed_again() {
    let fixture = StoreFixture::new(0).await;
    fixture.record(1).await.unwrap();
    let claimed = fixture.claim().await;
    for _ in 0..10 {
        fixture.clock.advance(LEASE / 2);
        let held = claimed.iter().map(|(id, attempt)| (*id, attempt.claim)).collect();
        fixture.store.renew_leases(held, later(fixture.clock.steady(), LEASE)).await.unwrap();
        assert!(fixture.claim().await.is_empty());
    }
    fixture.clock.advance(LEASE + Duration::from_secs(1));
    assert_eq!(fixture.claim().await[0].0, claimed[0].0);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_recorded_deliveries_are_claimed_while_permits_are_free_and_due_beyond() {
    let mut fixture = StoreFixture::new(2).await;
    for n in 0..5 {
        fixture.record(n).await.unwrap();
    }
    assert_eq!(fixture.count("athm_delivery WHERE state = 'running' AND claim IS NOT NULL").await, 2);
    assert_eq!(fixture.count("athm_delivery WHERE state = 'due' AND claim IS NULL").await, 3);
    assert_eq!(fixture.outbox.running.all().len(), 2);
    assert_eq!(fixture.unstarted.recv().await.unwrap().deliveries.len(), 1);
    assert!(fixture.unstarted.recv().await.is_some() && fixture.unstarted.try_recv().is_err());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_delivery_that_runs_here_is_not_claimed_even_if_its_lease_has_ended() {
    let fixture = StoreFixture::new(8).await;
    fixture.record(1).await.unwrap();
    fixture.clock.advance(LEASE * 2);
    let here = claim(&fixture.clock);
    assert_eq!(fixture.store.claim_deliveries(here).await.unwrap(), 0);
    // Another process may claim it: this one hasn't renewed its lease.
    assert_eq!(fixture.claim().await.len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn leases_are_stored_in_the_servers_time() {
    let fixture = StoreFixture::on(StoreFixture::schema().await, Clock::system(), 0, Batching::OneByOne).await;
    fixture.record(1).await.unwrap();
    assert_eq!(fixture.claim().await.len(), 1);
    let left = fixture.query("SELECT extract(epoch FROM due_at - clock_timestamp())::integer FROM athm_delivery").await;
    let left: u64 = left[0].parse().unwrap();
    assert!((25..=30).contains(&left), "the lease ends in {left} s");
    assert!(fixture.claim().await.is_empty());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_7_processes_whose_clocks_disagree_agree_on_deadlines() {
    let hours = |hours| Clock::wrong(jiff::SignedDuration::from_hours(hours));
    let right = StoreFixture::on(StoreFixture::schema().await, Clock::system(), 0, Batching::Grouped).await;
    let (slow, fast) = (right.beside(hours(-2)).await, right.beside(hours(3)).await);
    let left = async |until: &str, from: &str| {
        let sql = format!("SELECT extract(epoch FROM {until} - clock_timestamp())::integer FROM {from}");
        right.query(&sql).await[0].parse::<i64>().unwrap()
    };

    for fixture in [&slow, &fast, &right] {
        let apart = left(&format!("timestamptz '{}'", fixture.clock.now()), "athm_migration LIMIT 1").await;
        assert!((-1..=0).contains(&apart), "{apart} s");
    }
    let mut open = record("reference-0", None);
    (open.observed.status, open.observed.created_at) = (Status::Open, fast.clock.now());
    open.auth_token = Some("secret".into());
    fast.store.record(open).await.unwrap();

    // A delivery is due for each of them, and leased for each of them once it is claimed.
    fast.record(1).await.unwrap();
    let claimed = slow.claim().await;
    assert_eq!(claimed.len(), 1);
    for fixture in [&slow, &fast, &right] {
        assert!(fixture.claim().await.is_empty());
    }
    assert!((20..=30).contains(&left("due_at", "athm_delivery").await));
    for fixture in [&fast, &slow] {
        let held = claimed.iter().map(|(id, attempt)| (*id, attempt.claim)).collect();
        fixture.store.renew_leases(held, later(fixture.clock.steady(), 10 * LEASE)).await.unwrap();
        assert!((290..=300).contains(&left("due_at", "athm_delivery").await));
    }
    let retry_at = Some(later(slow.clock.steady(), 20 * LEASE));
    slow.acknowledge(claimed[0], AttemptOutcome::Failed { error: String::from("not yet"), retry_at }).await;
    assert!((590..=600).contains(&left("due_at", "athm_delivery").await));
    for fixture in [&slow, &fast, &right] {
        assert!(fixture.claim().await.is_empty());
        assert!(!fixture.store.has_due_deliveries(fixture.clock.steady(), vec![String::from(RUNNABLE)]).await.unwrap());
    }

    // A pending message is due at the same moment for each of them.
    let due_at = later(fast.clock.steady(), 4 * LEASE);
    fast.store.insert_message(message(1, InboxState::Pending { attempts: 1, due_at })).await.unwrap();
    assert!((110..=120).contains(&left("due_at", "athm_inbox").await));
    for fixture in [&slow, &fast, &right] {
        let now = fixture.clock.steady();
        let next = fixture.store.next_pending_message().await.unwrap().unwrap().duration_since(now);
        assert!((110..=120).contains(&next.as_secs()), "{next}");
        assert!(fixture.store.claim_pending_messages(now, later(now, LEASE)).await.unwrap().is_empty());
    }

    // Rows are pruned at the same moment by each of them.
    slow.acknowledge(claimed[0], AttemptOutcome::Succeeded).await;
    for (fixture, keeps) in [(&fast, true), (&slow, true), (&right, true), (&slow, false)] {
        let (now, steady) = (fixture.clock.now(), fixture.clock.steady());
        let by = if keeps { earlier } else { later };
        let (tokens, deliveries) = (by(now, LEASE), by(steady, LEASE));
        fixture
            .store
            .prune(RetentionCutoffs {
                tokens,
                deliveries,
                recorded_messages: now,
                refused_messages: now,
                unmatched: now,
                pushes: now,
            })
            .await
            .unwrap();
        assert_eq!(fixture.count("athm_delivery").await, u32::from(keeps));
        assert_eq!(fixture.count("athm_transaction WHERE auth_token IS NOT NULL").await, u32::from(keeps));
    }
}

/// A proxy in front of the server. Once `hangs_up` is set, it passes the next `COMMIT` on and closes the connection before
/// the answer.
async fn proxy(server: &str, hangs_up: Arc<AtomicBool>) -> String {
    let config: tokio_postgres::Config = server.parse().unwrap();
    let tokio_postgres::config::Host::Tcp(host) = config.get_hosts()[0].clone() else { panic!("no host") };
    let (host, port) = (host, config.get_ports()[0]);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let here = listener.local_addr().unwrap().port();
    let there = host.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect((there.as_str(), port)).await.unwrap();
            let hangs_up = Arc::clone(&hangs_up);
            tokio::spawn(async move {
                let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
                let mut is_last = false;
                loop {
                    tokio::select! {
                        read = client.read(&mut asked) => {
                            let sent = &asked[..read.unwrap_or(0)];
                            is_last |= sent.windows(7).any(|word| word == b"COMMIT\0") && hangs_up.swap(false, SeqCst);
                            if sent.is_empty() || server.write_all(sent).await.is_err() {
                                return;
                            }
                        }
                        read = server.read(&mut answered) => {
                            let sent = &answered[..read.unwrap_or(0)];
                            if is_last || sent.is_empty() || client.write_all(sent).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            });
        }
    });
    server.replace(&format!("{host}:{port}"), &format!("127.0.0.1:{here}"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn deliveries_claimed_by_a_commit_of_unknown_outcome_are_due_at_once() {
    let (url, hangs_up) = (StoreFixture::schema().await, Arc::new(AtomicBool::new(false)));
    let fixture =
        StoreFixture::on(proxy(&url, Arc::clone(&hangs_up)).await, Clock::system(), 8, Batching::Grouped).await;
    fixture.record(1).await.unwrap();
    hangs_up.store(true, SeqCst);
    assert!(matches!(fixture.record(2).await, Err(StoreError::Database(_))));
    assert_eq!(fixture.record(2).await.unwrap().events.len(), 0, "it was committed");
    assert_eq!(
        fixture.query("SELECT state || ' ' || attempts FROM athm_delivery ORDER BY state").await,
        ["due 0", "running 0"]
    );
}

/// A connection of a process that has locked a payment, and then does nothing more.
async fn stuck(url: &str) -> Arc<Session> {
    let client = ReconnectingClient::new(
        Arc::new(Address::parse(url).unwrap()),
        tokio::runtime::Handle::current(),
        DamagedRows::default(),
    );
    let session = client.session().await.unwrap();
    session.begin().await.unwrap();
    session.run("UPDATE athm_transaction SET fee = 7 WHERE reference_number = 'reference-1'").await.unwrap();
    session
}

fn with_settings(url: &str, settings: &str) -> String {
    url.replace("options=", &format!("options={settings}%20"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_write_that_waits_for_a_lock_delays_no_other_write() {
    let url = with_settings(&StoreFixture::schema().await, "-clock_timeout%3D20");
    let fixture = StoreFixture::on(url, Clock::system(), 8, Batching::Grouped).await;
    fixture.record(1).await.unwrap();
    let holder = stuck(&fixture.url).await;
    let (locked, free) = futures_util::future::join(fixture.record(1), fixture.record(2)).await;
    assert!(matches!(locked, Err(StoreError::Database(_))), "{locked:?}");
    free.unwrap();
    holder.run("ROLLBACK").await.unwrap();
    fixture.record(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn while_a_table_is_locked_writes_are_refused_and_acknowledgements_are_retried() {
    let url = with_settings(&StoreFixture::schema().await, "-clock_timeout%3D20");
    let fixture = StoreFixture::on(url, Clock::system(), 8, Batching::Grouped).await;
    fixture.record(1).await.unwrap();
    let (claimed, ClaimedAttempt { attempt, .. }) = fixture.outbox.running.all()[0];
    let client = ReconnectingClient::new(
        Arc::new(Address::parse(&fixture.url).unwrap()),
        tokio::runtime::Handle::current(),
        DamagedRows::default(),
    );
    let holder = client.session().await.unwrap();
    holder.begin().await.unwrap();
    holder.run("LOCK TABLE athm_delivery").await.unwrap();
    let acknowledgement = Acknowledgement {
        id: claimed,
        attempt,
        at: fixture.clock.steady(),
        outcome: AttemptOutcome::Succeeded,
        run: None,
    };
    let acknowledged = fixture.store.acknowledge(acknowledgement);
    assert!(join_all((2..6).map(|n| fixture.record(n))).await.iter().all(std::result::Result::is_err));
    holder.run("ROLLBACK").await.unwrap();
    acknowledged.await.unwrap();
    assert_eq!(fixture.query("SELECT state FROM athm_delivery").await, ["succeeded"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_process_that_vanishes_during_a_transaction_loses_its_locks() {
    let schema = StoreFixture::schema().await;
    let fixture = StoreFixture::on(schema.clone(), Clock::system(), 8, Batching::Grouped).await;
    fixture.record(1).await.unwrap();
    let holder = stuck(&with_settings(&schema, "-cidle_in_transaction_session_timeout%3D100")).await;
    fixture.record(1).await.unwrap();
    assert!(holder.run("COMMIT").await.is_err());
    for setting in ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"] {
        let client = ReconnectingClient::new(
            Arc::new(Address::parse(&schema).unwrap()),
            tokio::runtime::Handle::current(),
            DamagedRows::default(),
        );
        let sql = format!("DO $$ BEGIN ASSERT current_setting('{setting}') <> '0'; END $$");
        client.session().await.unwrap().run(&sql).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_deadlock_with_another_process_is_tried_again() {
    let fixture = StoreFixture::new(8).await;
    let other = fixture.beside(fixture.clock.clone()).await;
    for n in 0..8 {
        fixture.store.record(record(&format!("r-{n}"), Some(Uuid::from_u128(n)))).await.unwrap();
    }
    for _ in 0..20 {
        let both = (0..8).flat_map(|n| {
            let mut one = record(&format!("r-{n}"), Some(Uuid::from_u128(n)));
            one.observed.fee = Amount::from_cents(fastrand::i64(1..1_000));
            let mut another = record(&format!("r-{}", 7 - n), None);
            another.observed.fee = Amount::from_cents(fastrand::i64(1..1_000));
            [fixture.store.record(one), other.store.record(another)]
        });
        assert!(join_all(both).await.iter().all(std::result::Result::is_ok));
    }
    assert_eq!((fixture.count("athm_transaction").await, fixture.count("athm_event").await), (8, 8));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_2_observations_of_one_payment_by_each_of_its_names_in_one_batch_fire_once() {
    let fixture = StoreFixture::new(64).await;
    let opened = (0..16).map(|n| {
        let mut open = record(&format!("r-{n}"), Some(Uuid::from_u128(n)));
        open.observed.status = Status::Open;
        fixture.store.record(open)
    });
    assert!(join_all(opened).await.iter().all(|opened| opened.as_ref().is_ok_and(|opened| opened.events.is_empty())));
    let observations = (0..16).flat_map(|n| {
        let mut by_ecommerce_id = record("none", Some(Uuid::from_u128(n)));
        by_ecommerce_id.observed.reference_number = None;
        let new = record(&format!("new-{n}"), None);
        [by_ecommerce_id, record(&format!("r-{n}"), None), new].map(|record| fixture.store.record(record))
    });
    let fired: usize = join_all(observations).await.into_iter().map(|recorded| recorded.unwrap().events.len()).sum();
    assert_eq!((fired, fixture.count("athm_event").await, fixture.count("athm_transaction").await), (32, 32, 32));
    assert_eq!((fixture.count("athm_item").await, fixture.count("athm_delivery").await), (32, 32));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_5_the_inbox_holds_10_000_pending_messages_and_always_those_of_known_payments() {
    let fixture = StoreFixture::new(0).await;
    let pending = || InboxState::Pending { attempts: 1, due_at: fixture.clock.steady() };
    let fill = "INSERT INTO athm_inbox (id, state, payment, sender, attempts, due_at, received_at, version) \
                SELECT gen_random_uuid(), 'pending', 'reference:' || n, 'callback', 1, now(), now(), 0 \
                FROM generate_series(1, 9990) AS n";
    fixture.query(fill).await;
    let kept = join_all((0..20).map(|n| fixture.store.insert_message(message(n, pending())))).await;
    assert_eq!(kept.iter().filter(|kept| kept.is_ok()).count(), 10);
    assert!(matches!(fixture.store.insert_message(message(10_000, pending())).await, Err(StoreError::InboxFull)));
    fixture.store.insert_message(message(7, pending())).await.unwrap();
    assert_eq!(fixture.count("athm_inbox").await, 10_000);

    let mut ours = record("12-ab", Some(Uuid::from_u128(10_001)));
    ours.observed.status = Status::Open;
    ours.observed.deadline = Some(fixture.clock.now());
    fixture.store.record(ours).await.unwrap();
    fixture.store.insert_message(message(10_001, pending())).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_5_a_message_that_arrives_during_a_lookup_is_not_deleted_after_it() {
    let fixture = StoreFixture::new(0).await;
    let pending = |status| InboxMessage {
        status,
        ..message(1, InboxState::Pending { attempts: 1, due_at: fixture.clock.steady() })
    };
    fixture.store.insert_message(pending(None)).await.unwrap();
    let now = fixture.clock.steady();
    let read = fixture.store.claim_pending_messages(now, later(now, LEASE)).await.unwrap().remove(0);
    assert!(fixture.store.claim_pending_messages(now, now).await.unwrap().is_empty(), "it is leased");
    fixture.store.insert_message(pending(Some(Status::Completed))).await.unwrap();
    let key = read.key.unwrap();
    fixture.store.delete_pending(key.clone(), read.version).await.unwrap();
    let kept = fixture.store.claim_pending_messages(now, now).await.unwrap().remove(0);
    assert_eq!(kept.status, Some(Status::Completed));
    fixture.store.delete_pending(key, kept.version).await.unwrap();
    assert!(fixture.store.claim_pending_messages(now, now).await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn processes_that_start_together_migrate_once_whatever_the_servers_isolation() {
    let url = format!("{}%20-cdefault_transaction_isolation%3Dserializable", StoreFixture::schema().await);
    let opened = (0..4).map(|_| StoreFixture::on(url.clone(), Clock::manual(), 0, Batching::Grouped));
    assert_eq!(join_all(opened).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_a_connection_and_never_answers_is_an_error() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("postgres://athm@{}/athm", silent.local_addr().unwrap());
    let (context, _unstarted) = context(&Clock::manual(), 0, Batching::Grouped);
    let error = Postgres::open(&url, context).await.err().expect("it never answers");
    assert!(format!("{error:?}").contains("didn't answer in time"), "{error:?}");
}
