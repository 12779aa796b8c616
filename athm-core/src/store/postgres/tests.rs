//! The store's own edges. They need a server, which `tests/with-postgres` gives them: without one they are ignored by
//! name, and never counted as passed.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::claim::claim;
use super::*;
use crate::dispatch::Dispatcher;
use crate::models::{Amount, Sender, Signal, Status};
use crate::outbox::{AttemptOutcome, DeliveryState, LEASE, Outbox, Slots, Unstarted};
use crate::store::{Batching, InboxState, Origin, Policy};
use crate::util::clock::{earlier, later};

/// A process of its own, with one receiver of `completed`, whose outbox nobody empties.
struct World {
    store: Postgres,
    clock: Clock,
    outbox: Outbox,
    unstarted: Unstarted,
    url: String,
}

fn server() -> String {
    std::env::var("ATHM_TEST_POSTGRES_URL").expect("ATHM_TEST_POSTGRES_URL: run this through tests/with-postgres")
}

fn context(clock: &Clock, slots: usize, batching: Batching) -> (StoreContext, Unstarted) {
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("ship", [Signal::Completed], |_| ()).unwrap();
    let policy = Policy { registry: dispatcher.snapshot(), ..Policy::default() };
    let (outbox, unstarted) = Outbox::new(Slots::new(slots));
    let background = tokio::runtime::Handle::current();
    (StoreContext { policy, outbox, clock: clock.clone(), batching, background }, unstarted)
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

impl World {
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

    async fn count(&self, of: &str) -> u32 {
        self.query(&format!("SELECT count(*) FROM {of}")).await[0].parse().unwrap()
    }

    /// Claims as a process does that has this receiver, and that knows nothing of what runs here.
    async fn claim(&self) -> Vec<(DeliveryId, u32)> {
        let link =
            ReconnectingClient::new(Arc::new(Address::parse(&self.url).unwrap()), tokio::runtime::Handle::current());
        let session = link.session().await.unwrap();
        let times = session.times(&self.clock).await.unwrap();
        session.begin().await.unwrap();
        let now = self.clock.steady();
        let of = Claim {
            now,
            lease_until: later(now, LEASE),
            runnable: vec![String::from("completed:ship")],
            slots: Vec::new(),
        };
        let rows = claim(&session, times, &of, Vec::new(), 8).await.unwrap();
        session.commit().await.unwrap();
        rows.iter().map(|row| (row.planned.id, row.attempt)).collect()
    }

    async fn ended(&self, (id, attempt): (DeliveryId, u32), end: AttemptOutcome) -> DeliveryRecord {
        self.store.acknowledge(Acknowledgement { id, attempt, at: self.clock.steady(), end }).await.unwrap();
        self.store.deliveries(DeliveryQuery::One(id)).await.unwrap().remove(0)
    }
}

fn record(reference: &str, ticket: Option<Uuid>) -> Record {
    let mut observed = Transaction::builder(Status::Completed, Amount::from_cents(2500))
        .reference_number(reference.parse().unwrap())
        .item(crate::models::Item::new("Mug", Amount::from_cents(2500)))
        .build();
    observed.ecommerce_id = ticket.map(Into::into);
    Record { observed, sender: Sender::CALLBACK, auth_token: None, reported: Vec::new(), origin: Origin::Observation }
}

fn failed() -> AttemptOutcome {
    AttemptOutcome::Failed { error: String::from("late"), retry_at: None }
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_bad_record_fails_alone() {
    let world = World::new(8).await;
    let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
    world.store.record(record("12-ab", Some(ours))).await.unwrap();
    let mut wrong = record("3-c", None);
    // The server refuses the statement.
    wrong.observed.total = Amount::from_cents(7);
    world.query("ALTER TABLE athm_transaction ADD CHECK (total <> 7)").await;
    let batch = [record("1-a", None), record("12-ab", Some(theirs)), wrong, record("2-b", None)];
    let results = join_all(batch.map(|record| world.store.record(record))).await;
    assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
    // Another payment has its reference number: it is recorded without it.
    let second = results[1].as_ref().unwrap().transaction();
    assert_eq!((second.reference_number(), second.ecommerce_id()), (None, Some(&theirs.into())));
    assert!(second.problem().unwrap().contains("12-ab"), "{:?}", second.problem());
    let Err(error @ StoreError::Database(_)) = &results[2] else { panic!("{:?}", results[2]) };
    assert!(!format!("{error:?}").contains("3-c"), "a row's content is shown: {error:?}");
    assert_eq!((world.count("athm_transaction").await, world.count("athm_event").await), (4, 4));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn more_than_can_wait_is_refused_and_the_end_of_a_delivery_never_is() {
    let world = World::new(8).await;
    let results: Vec<_> = (0..1200).map(|n| world.store.record(record(&format!("reference-{n}"), None))).collect();
    let ended =
        Acknowledgement { id: DeliveryId::new(), attempt: 1, at: world.clock.steady(), end: AttemptOutcome::Succeeded };
    world.store.acknowledge(ended).await.unwrap();
    let results = join_all(results).await;
    let busy = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    let recorded = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((busy, recorded), (1200 - 1024, 1024));
    assert_eq!(world.count("athm_transaction").await, 1024);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_a_late_success_counts_and_a_late_failure_is_dropped() {
    let world = World::new(0).await;
    world.record(1).await.unwrap();
    let first = world.claim().await[0];
    assert!(world.claim().await.is_empty());
    world.clock.advance(LEASE + Duration::from_secs(1));
    let second = world.claim().await[0];
    assert_eq!((first.0, first.1, second.1), (second.0, 1, 2));

    assert_eq!(world.ended(first, failed()).await.state, DeliveryState::Running);
    assert_eq!(world.ended(first, AttemptOutcome::Unstarted).await.attempts, 2);
    assert_eq!(world.ended(first, AttemptOutcome::Succeeded).await.state, DeliveryState::Succeeded);
    assert_eq!(world.ended(second, failed()).await.state, DeliveryState::Succeeded);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_a_lease_that_is_renewed_is_nobody_elses() {
    let world = World::new(0).await;
    world.record(1).await.unwrap();
    let claimed = world.claim().await;
    for _ in 0..10 {
        world.clock.advance(LEASE / 2);
        world.store.renew(claimed.clone(), later(world.clock.steady(), LEASE)).await.unwrap();
        assert!(world.claim().await.is_empty());
    }
    world.clock.advance(LEASE + Duration::from_secs(1));
    assert_eq!(world.claim().await, [(claimed[0].0, 2)]);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_what_is_recorded_is_claimed_as_far_as_there_are_slots_and_is_due_beyond() {
    let mut world = World::new(2).await;
    for n in 0..5 {
        world.record(n).await.unwrap();
    }
    assert_eq!(world.count("athm_delivery WHERE state = 'running' AND attempts = 1").await, 2);
    assert_eq!(world.count("athm_delivery WHERE state = 'due' AND attempts = 0").await, 3);
    assert_eq!(world.outbox.running().len(), 2);
    assert_eq!(world.unstarted.recv().await.unwrap().deliveries.len(), 1);
    assert!(world.unstarted.recv().await.is_some() && world.unstarted.try_recv().is_err());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_claim_takes_nothing_that_runs_here_whatever_the_clock_says() {
    let world = World::new(8).await;
    world.record(1).await.unwrap();
    world.clock.advance(LEASE * 2);
    let now = world.clock.steady();
    let runnable = vec![String::from("completed:ship")];
    let here = Claim { now, lease_until: later(now, LEASE), runnable, slots: Slots::new(8).take(8) };
    assert_eq!(world.store.claim(here).await.unwrap(), 0);
    // Another process may: this one has not renewed its lease.
    assert_eq!(world.claim().await.len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn processes_go_by_the_servers_clock() {
    let world = World::on(World::schema().await, Clock::system(), 0, Batching::OneByOne).await;
    world.record(1).await.unwrap();
    assert_eq!(world.claim().await.len(), 1);
    let left = world.query("SELECT extract(epoch FROM due_at - clock_timestamp())::integer FROM athm_delivery").await;
    let left: u64 = left[0].parse().unwrap();
    assert!((25..=30).contains(&left), "the lease ends in {left} s");
    assert!(world.claim().await.is_empty());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_7_processes_whose_clocks_disagree_agree_on_deadlines() {
    let hours = |hours| Clock::wrong(jiff::SignedDuration::from_hours(hours));
    let right = World::on(World::schema().await, Clock::system(), 0, Batching::Grouped).await;
    let (slow, fast) = (right.beside(hours(-2)).await, right.beside(hours(3)).await);
    let left = async |until: &str, from: &str| {
        let sql = format!("SELECT extract(epoch FROM {until} - clock_timestamp())::integer FROM {from}");
        right.query(&sql).await[0].parse::<i64>().unwrap()
    };

    for world in [&slow, &fast, &right] {
        let apart = left(&format!("timestamptz '{}'", world.clock.now()), "athm_migration LIMIT 1").await;
        assert!((-1..=0).contains(&apart), "{apart} s");
    }
    let mut open = record("reference-0", None);
    (open.observed.status, open.observed.created_at) = (Status::Open, fast.clock.now());
    open.auth_token = Some("secret".into());
    fast.store.record(open).await.unwrap();

    // What is due is due for each of them, and held for each of them once it is claimed.
    fast.record(1).await.unwrap();
    let claimed = slow.claim().await;
    assert_eq!(claimed.len(), 1);
    for world in [&slow, &fast, &right] {
        assert!(world.claim().await.is_empty());
    }
    assert!((20..=30).contains(&left("due_at", "athm_delivery").await));
    for world in [&fast, &slow] {
        world.store.renew(claimed.clone(), later(world.clock.steady(), 10 * LEASE)).await.unwrap();
        assert!((290..=300).contains(&left("due_at", "athm_delivery").await));
    }
    let retry_at = Some(later(slow.clock.steady(), 20 * LEASE));
    slow.ended(claimed[0], AttemptOutcome::Failed { error: String::from("not yet"), retry_at }).await;
    assert!((590..=600).contains(&left("due_at", "athm_delivery").await));
    for world in [&slow, &fast, &right] {
        assert!(world.claim().await.is_empty());
        assert!(!world.store.has_due(world.clock.steady(), vec![String::from("completed:ship")]).await.unwrap());
    }

    // What waits is due when it was said to be.
    let due_at = later(fast.clock.steady(), 4 * LEASE);
    fast.store.hold(held(1, InboxState::Pending { attempts: 1, due_at })).await.unwrap();
    assert!((110..=120).contains(&left("due_at", "athm_inbox").await));
    for world in [&slow, &fast, &right] {
        let now = world.clock.steady();
        let next = world.store.next_due().await.unwrap().unwrap().duration_since(now);
        assert!((110..=120).contains(&next.as_secs()), "{next}");
        assert!(world.store.pending(now, later(now, LEASE)).await.unwrap().is_empty());
    }

    // What has ended is kept as long as it was said to be.
    slow.ended(claimed[0], AttemptOutcome::Succeeded).await;
    for (world, keeps) in [(&fast, true), (&slow, true), (&right, true), (&slow, false)] {
        let (now, steady) = (world.clock.now(), world.clock.steady());
        let by = if keeps { earlier } else { later };
        let (tokens, deliveries) = (by(now, LEASE), by(steady, LEASE));
        world.store.prune(RetentionCutoffs { tokens, deliveries, refused: now, unmatched: now }).await.unwrap();
        assert_eq!(world.count("athm_delivery").await, u32::from(keeps));
        assert_eq!(world.count("athm_transaction WHERE auth_token IS NOT NULL").await, u32::from(keeps));
    }
}

/// Passes everything on, and hangs up instead of telling that the next `COMMIT` is done.
async fn deaf(server: &str, hangs_up: Arc<AtomicBool>) -> String {
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
                            let said = &asked[..read.unwrap_or(0)];
                            is_last |= said.windows(7).any(|word| word == b"COMMIT\0") && hangs_up.swap(false, SeqCst);
                            if said.is_empty() || server.write_all(said).await.is_err() {
                                return;
                            }
                        }
                        read = server.read(&mut answered) => {
                            let said = &answered[..read.unwrap_or(0)];
                            if is_last || said.is_empty() || client.write_all(said).await.is_err() {
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
async fn what_a_commit_has_claimed_that_nobody_has_heard_of_is_due_at_once() {
    let (url, hangs_up) = (World::schema().await, Arc::new(AtomicBool::new(false)));
    let world = World::on(deaf(&url, Arc::clone(&hangs_up)).await, Clock::system(), 8, Batching::Grouped).await;
    world.record(1).await.unwrap();
    hangs_up.store(true, SeqCst);
    assert!(matches!(world.record(2).await, Err(StoreError::Database(_))));
    assert_eq!(world.record(2).await.unwrap().events.len(), 0, "it was committed");
    assert_eq!(
        world.query("SELECT state || ' ' || attempts FROM athm_delivery ORDER BY attempts").await,
        ["due 0", "running 1"]
    );
}

/// A connection of a process that has begun to write a payment, and is heard of no more.
async fn stuck(url: &str) -> Arc<Session> {
    let link = ReconnectingClient::new(Arc::new(Address::parse(url).unwrap()), tokio::runtime::Handle::current());
    let session = link.session().await.unwrap();
    session.begin().await.unwrap();
    session.run("UPDATE athm_transaction SET fee = 7 WHERE reference_number = 'reference-1'").await.unwrap();
    session
}

fn with_settings(url: &str, settings: &str) -> String {
    url.replace("options=", &format!("options={settings}%20"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn who_waits_for_a_lock_holds_up_nobody_else() {
    let url = with_settings(&World::schema().await, "-clock_timeout%3D20");
    let world = World::on(url, Clock::system(), 8, Batching::Grouped).await;
    world.record(1).await.unwrap();
    let holder = stuck(&world.url).await;
    let (locked, free) = futures_util::future::join(world.record(1), world.record(2)).await;
    assert!(matches!(locked, Err(StoreError::Database(_))), "{locked:?}");
    free.unwrap();
    holder.run("ROLLBACK").await.unwrap();
    world.record(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_table_that_is_locked_refuses_who_waits_and_no_end_of_a_delivery() {
    let url = with_settings(&World::schema().await, "-clock_timeout%3D20");
    let world = World::on(url, Clock::system(), 8, Batching::Grouped).await;
    world.record(1).await.unwrap();
    let claimed = world.outbox.running()[0];
    let link =
        ReconnectingClient::new(Arc::new(Address::parse(&world.url).unwrap()), tokio::runtime::Handle::current());
    let holder = link.session().await.unwrap();
    holder.begin().await.unwrap();
    holder.run("LOCK TABLE athm_delivery").await.unwrap();
    let ended = Acknowledgement { id: claimed, attempt: 1, at: world.clock.steady(), end: AttemptOutcome::Succeeded };
    let noted = world.store.acknowledge(ended);
    assert!(join_all((2..6).map(|n| world.record(n))).await.iter().all(std::result::Result::is_err));
    holder.run("ROLLBACK").await.unwrap();
    noted.await.unwrap();
    assert_eq!(world.query("SELECT state FROM athm_delivery").await, ["succeeded"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_process_that_is_heard_of_no_more_loses_its_locks() {
    let schema = World::schema().await;
    let world = World::on(schema.clone(), Clock::system(), 8, Batching::Grouped).await;
    world.record(1).await.unwrap();
    let holder = stuck(&with_settings(&schema, "-cidle_in_transaction_session_timeout%3D100")).await;
    world.record(1).await.unwrap();
    assert!(holder.run("COMMIT").await.is_err());
    for setting in ["idle_in_transaction_session_timeout", "lock_timeout"] {
        let link =
            ReconnectingClient::new(Arc::new(Address::parse(&schema).unwrap()), tokio::runtime::Handle::current());
        let sql = format!("DO $$ BEGIN ASSERT current_setting('{setting}') <> '0'; END $$");
        link.session().await.unwrap().run(&sql).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_deadlock_with_another_process_is_tried_again() {
    let world = World::new(8).await;
    let other = world.beside(world.clock.clone()).await;
    for n in 0..8 {
        world.store.record(record(&format!("r-{n}"), Some(Uuid::from_u128(n)))).await.unwrap();
    }
    for _ in 0..20 {
        let both = (0..8).flat_map(|n| {
            let mut one = record(&format!("r-{n}"), Some(Uuid::from_u128(n)));
            one.observed.fee = Amount::from_cents(fastrand::i64(1..1_000));
            let mut another = record(&format!("r-{}", 7 - n), None);
            another.observed.fee = Amount::from_cents(fastrand::i64(1..1_000));
            [world.store.record(one), other.store.record(another)]
        });
        assert!(join_all(both).await.iter().all(std::result::Result::is_ok));
    }
    assert_eq!((world.count("athm_transaction").await, world.count("athm_event").await), (8, 8));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_2_news_of_one_row_by_each_of_its_names_in_one_batch_fires_once() {
    let world = World::new(64).await;
    let opened = (0..16).map(|n| {
        let mut open = record(&format!("r-{n}"), Some(Uuid::from_u128(n)));
        open.observed.status = Status::Open;
        world.store.record(open)
    });
    assert!(join_all(opened).await.iter().all(|opened| opened.as_ref().is_ok_and(|opened| opened.events.is_empty())));
    let news = (0..16).flat_map(|n| {
        let mut by_ticket = record("none", Some(Uuid::from_u128(n)));
        by_ticket.observed.reference_number = None;
        let new = record(&format!("new-{n}"), None);
        [by_ticket, record(&format!("r-{n}"), None), new].map(|record| world.store.record(record))
    });
    let fired: usize = join_all(news).await.into_iter().map(|recorded| recorded.unwrap().events.len()).sum();
    assert_eq!((fired, world.count("athm_event").await, world.count("athm_transaction").await), (32, 32, 32));
    assert_eq!((world.count("athm_item").await, world.count("athm_delivery").await), (32, 32));
}

fn held(n: u32, state: InboxState) -> InboxMessage {
    InboxMessage {
        id: Uuid::now_v7(),
        state,
        key: Some(PaymentKey::Ecommerce(Uuid::from_u128(n.into()).into())),
        kind: None,
        status: Some(Status::Completed),
        refunded: None,
        version: 0,
        sender: Sender::CALLBACK,
        body: String::new(),
        received_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_5_the_inbox_has_room_for_10_000_and_always_for_payments_of_our_own() {
    let world = World::new(0).await;
    let pending = || InboxState::Pending { attempts: 1, due_at: world.clock.steady() };
    let fill = "INSERT INTO athm_inbox (id, state, payment, sender, body, attempts, due_at, received_at, version) \
                SELECT gen_random_uuid(), 'pending', 'reference:' || n, 'callback', '', 1, now(), now(), 0 \
                FROM generate_series(1, 9990) AS n";
    world.query(fill).await;
    let kept = join_all((0..20).map(|n| world.store.hold(held(n, pending())))).await;
    assert_eq!(kept.iter().filter(|kept| kept.is_ok()).count(), 10);
    assert!(matches!(world.store.hold(held(10_000, pending())).await, Err(StoreError::InboxFull)));
    world.store.hold(held(7, pending())).await.unwrap();
    assert_eq!(world.count("athm_inbox").await, 10_000);

    let mut ours = record("12-ab", Some(Uuid::from_u128(10_001)));
    ours.observed.status = Status::Open;
    ours.observed.deadline = Some(world.clock.now());
    world.store.record(ours).await.unwrap();
    world.store.hold(held(10_001, pending())).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_5_of_refused_messages_the_newest_10_000_are_kept() {
    let world = World::new(0).await;
    let fill = "INSERT INTO athm_inbox (id, state, sender, body, attempts, received_at, version) \
                SELECT gen_random_uuid(), 'refused', 'callback', '', 0, now(), 0 FROM generate_series(1, 9990)";
    world.query(fill).await;
    let refused = || InboxState::Refused { reason: String::from("no") };
    for n in 0..30 {
        world.store.hold(held(n, refused())).await.unwrap();
    }
    assert_eq!(world.count("athm_inbox").await, 10_000);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_5_a_message_that_comes_while_another_is_looked_after_is_not_dropped_with_it() {
    let world = World::new(0).await;
    let pending =
        |status| InboxMessage { status, ..held(1, InboxState::Pending { attempts: 1, due_at: world.clock.steady() }) };
    world.store.hold(pending(None)).await.unwrap();
    let now = world.clock.steady();
    let read = world.store.pending(now, later(now, LEASE)).await.unwrap().remove(0);
    assert!(world.store.pending(now, now).await.unwrap().is_empty(), "it is taken");
    world.store.hold(pending(Some(Status::Completed))).await.unwrap();
    let key = read.key.unwrap();
    world.store.release(key.clone(), read.version).await.unwrap();
    let kept = world.store.pending(now, now).await.unwrap().remove(0);
    assert_eq!(kept.status, Some(Status::Completed));
    world.store.release(key, kept.version).await.unwrap();
    assert!(world.store.pending(now, now).await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn the_tables_are_made_once_whatever_isolation_the_server_gives() {
    let url = format!("{}%20-cdefault_transaction_isolation%3Dserializable", World::schema().await);
    let opened = (0..4).map(|_| World::on(url.clone(), Clock::manual(), 0, Batching::Grouped));
    assert_eq!(join_all(opened).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("postgres://athm@{}/athm", silent.local_addr().unwrap());
    let (context, _unstarted) = context(&Clock::manual(), 0, Batching::Grouped);
    let error = Postgres::open(&url, context).await.err().expect("nobody answers");
    assert!(format!("{error:?}").contains("didn't answer in time"), "{error:?}");
}
