use std::sync::mpsc;
use std::time::Duration;

use futures_util::future::join_all;
use tempfile::TempDir;
use uuid::Uuid;

use super::claim::claim_due;
use super::*;
use crate::dispatch::Dispatcher;
use crate::models::{Sender, Signal, Status};
use crate::outbox::{AttemptOutcome, DeliveryState, LEASE, Slots};
use crate::store::{Batching, InboxState, Origin, Policy};
use crate::util::clock::{Clock, later};

/// A store of its own, with one receiver of `completed`, whose outbox nobody empties.
struct World {
    store: Sqlite,
    clock: Clock,
    outbox: crate::outbox::Outbox,
    unstarted: crate::outbox::Unstarted,
    folder: TempDir,
}

fn context(clock: &Clock, slots: usize) -> (StoreContext, crate::outbox::Unstarted) {
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("ship", [Signal::Completed], |_| ()).unwrap();
    let policy = Policy { registry: dispatcher.snapshot(), ..Policy::default() };
    let (outbox, unstarted) = crate::outbox::Outbox::new(Slots::new(slots));
    let background = tokio::runtime::Handle::current();
    (StoreContext { policy, outbox, clock: clock.clone(), batching: Batching::Grouped, background }, unstarted)
}

impl World {
    fn with_slots(slots: usize) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::manual());
        let (context, unstarted) = context(&clock, slots);
        let outbox = context.outbox.clone();
        let store = Sqlite::open(&Self::path(&folder), context).unwrap();
        Self { store, clock, outbox, unstarted, folder }
    }

    fn path(folder: &TempDir) -> String {
        folder.path().join("athm.db").display().to_string()
    }

    async fn record(&self, n: u32) -> Result<Recorded, StoreError> {
        self.store.record(record(&format!("reference-{n}"), None)).await
    }

    async fn count(&self, sql: &'static str) -> u32 {
        self.store.read(move |connection| connection.query_row(sql, [], |row| row.get(0))).await.unwrap()
    }

    /// Claims as a process does that has this receiver, and that knows nothing of what runs here.
    async fn claim(&self) -> Vec<(DeliveryId, u32)> {
        let now = self.clock.steady();
        let (slots, lease_until) = (Slots::new(8).take(8), later(now, LEASE));
        let mut claim = Claim { now, lease_until, runnable: vec![String::from("completed:ship")], slots };
        let work = move |connection: &Connection| Ok(claim_due(connection, &mut claim, &[])?);
        let works = self.store.writer.write(work, |works| works).await.unwrap();
        let deliveries = works.iter().flat_map(|work| &work.deliveries);
        deliveries.map(|claimed| (claimed.planned.id, claimed.attempt)).collect()
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
async fn a_full_disk_is_an_error_that_leaves_nothing_half_written() {
    let world = World::with_slots(8);
    let limit = |pages: u32| {
        let set = move |connection: &Connection| Ok(connection.pragma_update(None, "max_page_count", pages)?);
        world.store.writer.write(set, |()| ())
    };
    limit(60).await.unwrap();
    let (mut recorded, mut refused) = (0, 0);
    for batch in 0..40 {
        for result in join_all((0..16).map(|n| world.record(batch * 16 + n))).await {
            match result {
                Ok(_) => recorded += 1,
                Err(StoreError::Database(_)) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert!(recorded > 0 && refused > 0, "{recorded} recorded, {refused} refused");
    for table in [
        "SELECT count(*) FROM athm_transaction",
        "SELECT count(*) FROM athm_item",
        "SELECT count(*) FROM athm_event",
        "SELECT count(*) FROM athm_delivery",
    ] {
        assert_eq!(world.count(table).await, recorded, "{table}");
    }
    limit(1_000_000).await.unwrap();
    assert_eq!(world.record(10_000).await.unwrap().events.len(), 1);
}

#[tokio::test]
async fn more_than_can_wait_is_refused_and_the_end_of_a_delivery_never_is() {
    let world = World::with_slots(8);
    let first = world.record(0).await.unwrap();
    let (go_on, held) = mpsc::channel::<()>();
    let stalled = world.store.writer.write(
        move |_| {
            held.recv().unwrap_or_default();
            Ok(())
        },
        |()| (),
    );
    let results: Vec<_> = (1..2500).map(|n| world.store.record(record(&format!("reference-{n}"), None))).collect();
    let id = world.store.deliveries(DeliveryQuery::Dead).await.unwrap();
    assert!(id.is_empty() && first.events.len() == 1);
    let ended =
        Acknowledgement { id: DeliveryId::new(), attempt: 1, at: world.clock.steady(), end: AttemptOutcome::Succeeded };
    let acknowledged = world.store.acknowledge(ended);
    go_on.send(()).unwrap();
    stalled.await.unwrap();
    acknowledged.await.unwrap();
    let results = join_all(results).await;
    let busy = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    let recorded = results.iter().filter(|result| result.is_ok()).count();
    assert!(busy >= 2499 - 1024 - 257 && busy + recorded == 2499, "{busy} busy, {recorded} recorded");
}

#[tokio::test]
async fn a_bad_record_fails_alone() {
    let world = World::with_slots(8);
    let refuse = "CREATE TRIGGER no_seven BEFORE INSERT ON athm_transaction WHEN new.total = 7 BEGIN \
                  SELECT raise(ABORT, 'no'); END";
    let refuse = |connection: &Connection| Ok(connection.execute_batch(refuse)?);
    world.store.writer.write(refuse, |()| ()).await.unwrap();
    world.store.record(record("12-ab", Some(Uuid::from_u128(1)))).await.unwrap();
    let mut wrong = record("3-c", None);
    wrong.observed.total = Amount::from_cents(7);
    let batch = [record("1-a", None), wrong, record("2-b", None)];
    let results = join_all(batch.map(|record| world.store.record(record))).await;
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(results[1], Err(StoreError::Database(_))), "{:?}", results[1]);
    assert_eq!(world.count("SELECT count(*) FROM athm_transaction").await, 3);
}

#[tokio::test]
async fn promise_6_a_late_success_counts_and_a_late_failure_is_dropped() {
    let world = World::with_slots(0);
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
async fn promise_6_a_lease_that_is_renewed_is_nobody_elses() {
    let world = World::with_slots(0);
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
async fn promise_6_what_is_recorded_is_claimed_as_far_as_there_are_slots_and_is_due_beyond() {
    let mut world = World::with_slots(2);
    for n in 0..5 {
        world.record(n).await.unwrap();
    }
    let states = "SELECT count(*) FROM athm_delivery WHERE state = 'running' AND attempts = 1";
    assert_eq!(world.count(states).await, 2);
    assert_eq!(world.count("SELECT count(*) FROM athm_delivery WHERE state = 'due' AND attempts = 0").await, 3);
    assert_eq!(world.outbox.running().len(), 2);
    assert_eq!(world.unstarted.recv().await.unwrap().deliveries.len(), 1);
    assert!(world.unstarted.recv().await.is_some() && world.unstarted.try_recv().is_err());
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
async fn promise_5_the_inbox_has_room_for_10_000_and_always_for_payments_of_our_own() {
    let world = World::with_slots(0);
    let pending = || InboxState::Pending { attempts: 1, due_at: world.clock.steady() };
    for batch in 0..20 {
        let kept = join_all((0..500).map(|n| world.store.hold(held(batch * 500 + n, pending())))).await;
        assert!(kept.iter().all(Result::is_ok));
    }
    assert!(matches!(world.store.hold(held(10_000, pending())).await, Err(StoreError::InboxFull)));
    world.store.hold(held(7, pending())).await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM athm_inbox").await, 10_000);

    let mut ours = record("12-ab", Some(Uuid::from_u128(10_001)));
    ours.observed.status = Status::Open;
    ours.observed.deadline = Some(world.clock.now());
    world.store.record(ours).await.unwrap();
    world.store.hold(held(10_001, pending())).await.unwrap();
}

#[tokio::test]
async fn promise_5_a_message_that_comes_while_another_is_looked_after_is_not_dropped_with_it() {
    let world = World::with_slots(0);
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
async fn promise_5_of_refused_messages_the_newest_10_000_are_kept() {
    let world = World::with_slots(0);
    let refused = || InboxState::Refused { reason: String::from("no") };
    for batch in 0..22 {
        join_all((0..500).map(|n| world.store.hold(held(batch * 500 + n, refused())))).await;
    }
    assert_eq!(world.count("SELECT count(*) FROM athm_inbox").await, 10_000);
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused_and_those_of_this_one_are_kept() {
    let world = World::with_slots(0);
    world.record(1).await.unwrap();
    let path = World::path(&world.folder);
    world.store.close().await.unwrap();
    let again = Sqlite::open(&path, context(&world.clock, 0).0).unwrap();
    let rows = again
        .read(|connection| connection.query_row("SELECT count(*) FROM athm_event", [], |row| row.get::<_, u32>(0)));
    assert_eq!(rows.await.unwrap(), 1);
    let newer = |connection: &Connection| Ok(execute(connection, "INSERT INTO athm_migration VALUES (99, 0)", [])?);
    again.writer.write(newer, |()| ()).await.unwrap();
    again.close().await.unwrap();
    let refused = Sqlite::open(&path, context(&world.clock, 0).0).map(drop);
    assert!(matches!(refused, Err(StoreError::Newer { found: 99, .. })), "{refused:?}");
}
