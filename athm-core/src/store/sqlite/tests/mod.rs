mod claims;
mod damaged;
mod file;
mod health;
mod orphans;
mod queries;

use std::sync::mpsc;
use std::time::Duration;

use futures_util::future::join_all;
use tempfile::TempDir;
use uuid::Uuid;

use super::claim::claim_deliveries;
use super::statement::execute;
use super::*;
use crate::models::Status;
use crate::outbox::{Attempt, AttemptOutcome, ClaimKind, DeliveryState, LEASE, Outbox, Slots};
use crate::store::fixtures::{claim, claim_of_many_receivers, context, failed, message, record};
use crate::store::{Batching, InboxState};
use crate::util::clock::{Clock, later};

/// A store on a file of its own.
struct StoreFixture {
    store: Sqlite,
    clock: Clock,
    outbox: Outbox,
    unstarted: crate::outbox::Unstarted,
    folder: TempDir,
}

impl StoreFixture {
    fn with_slots(slots: usize) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::manual());
        let (context, unstarted) = context(&clock, slots, Batching::Grouped);
        let outbox = context.outbox.clone();
        let store = Sqlite::open(&Self::path(&folder), context).unwrap();
        Self { store, clock, outbox, unstarted, folder }
    }

    fn path(folder: &TempDir) -> String {
        folder.path().join("athm.db").display().to_string()
    }

    /// Inserts 9,990 messages by one statement: `n` counts from 1.
    async fn fill_inbox(&self, insert: &'static str) {
        let sql = format!(
            "{insert} FROM (WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9990) \
             SELECT n FROM numbers)"
        );
        self.store.writer.write(move |connection| Ok(execute(connection, &sql, [])?), |()| ()).await.unwrap();
    }

    async fn record(&self, n: u32) -> Result<Recorded, StoreError> {
        self.store.record(record(&format!("reference-{n}"), None)).await
    }

    async fn count(&self, sql: &'static str) -> u32 {
        self.store.reader.read(move |connection| connection.query_row(sql, [], |row| row.get(0))).await.unwrap()
    }

    /// Claims as another process with the same receiver would: it doesn't know what runs here.
    async fn claim(&self) -> Vec<(DeliveryId, Attempt)> {
        let mut claim = claim(&self.clock);
        let damaged = self.store.context.damaged.clone();
        let (other, _unstarted) = Outbox::new(Slots::new(8), self.clock.clone());
        let work = move |connection: &Connection| Ok(claim_deliveries(connection, &mut claim, &other, &damaged)?);
        let claimed = self.store.writer.write(work, |claimed| claimed).await.unwrap();
        let deliveries = claimed.iter().flat_map(|event| &event.deliveries);
        deliveries.map(|delivery| (delivery.id(), delivery.attempt)).collect()
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
async fn a_full_disk_is_an_error_that_leaves_nothing_half_written() {
    let fixture = StoreFixture::with_slots(8);
    let limit = |pages: u32| {
        let set = move |connection: &Connection| Ok(connection.pragma_update(None, "max_page_count", pages)?);
        fixture.store.writer.write(set, |()| ())
    };
    limit(60).await.unwrap();
    let (mut recorded, mut refused) = (0, 0);
    for batch in 0..40 {
        for result in join_all((0..16).map(|n| fixture.record(batch * 16 + n))).await {
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
        assert_eq!(fixture.count(table).await, recorded, "{table}");
    }
    limit(1_000_000).await.unwrap();
    assert_eq!(fixture.record(10_000).await.unwrap().events.len(), 1);
}

#[tokio::test]
async fn writes_beyond_the_queues_limit_are_refused_and_acknowledgements_never_are() {
    let fixture = StoreFixture::with_slots(8);
    let first = fixture.record(0).await.unwrap();
    let (go_on, held) = mpsc::channel::<()>();
    let stalled = fixture.store.writer.write(
        move |_| {
            held.recv().unwrap_or_default();
            Ok(())
        },
        |()| (),
    );
    let results: Vec<_> = (1..2500).map(|n| fixture.store.record(record(&format!("reference-{n}"), None))).collect();
    let id = fixture.store.list_deliveries(DeliverySelection::Dead).await.unwrap();
    assert!(id.is_empty() && first.events.len() == 1);
    let acknowledgement = Acknowledgement {
        id: DeliveryId::new(),
        attempt: Attempt::first(ClaimId::new()),
        at: fixture.clock.steady(),
        outcome: AttemptOutcome::Succeeded,
        run: None,
    };
    let acknowledged = fixture.store.acknowledge(acknowledgement);
    go_on.send(()).unwrap();
    stalled.await.unwrap();
    acknowledged.await.unwrap();
    let results = join_all(results).await;
    let busy = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    let recorded = results.iter().filter(|result| result.is_ok()).count();
    assert!(busy >= 2499 - 1024 - 1025 && busy + recorded == 2499, "{busy} busy, {recorded} recorded");
}

#[tokio::test]
async fn a_bad_record_fails_alone() {
    let fixture = StoreFixture::with_slots(8);
    let refuse = "CREATE TRIGGER no_seven BEFORE INSERT ON athm_transaction WHEN new.total = 7 BEGIN \
                  SELECT raise(ABORT, 'no'); END";
    let refuse = |connection: &Connection| Ok(connection.execute_batch(refuse)?);
    fixture.store.writer.write(refuse, |()| ()).await.unwrap();
    fixture.store.record(record("12-ab", Some(Uuid::from_u128(1)))).await.unwrap();
    let mut wrong = record("3-c", None);
    wrong.observed.total = Amount::from_cents(7);
    let batch = [record("1-a", None), wrong, record("2-b", None)];
    let results = join_all(batch.map(|record| fixture.store.record(record))).await;
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(results[1], Err(StoreError::Database(_))), "{:?}", results[1]);
    assert_eq!(fixture.count("SELECT count(*) FROM athm_transaction").await, 3);
}

#[tokio::test]
async fn promise_6_a_late_success_counts_and_a_late_failure_is_dropped() {
    let fixture = StoreFixture::with_slots(0);
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
async fn promise_6_a_delivery_whose_lease_is_renewed_is_not_claimed_again() {
    let fixture = StoreFixture::with_slots(0);
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
async fn promise_6_recorded_deliveries_are_claimed_while_permits_are_free_and_due_beyond() {
    let mut fixture = StoreFixture::with_slots(2);
    for n in 0..5 {
        fixture.record(n).await.unwrap();
    }
    let states = "SELECT count(*) FROM athm_delivery WHERE state = 'running' AND claim IS NOT NULL";
    assert_eq!(fixture.count(states).await, 2);
    assert_eq!(fixture.count("SELECT count(*) FROM athm_delivery WHERE state = 'due' AND claim IS NULL").await, 3);
    assert_eq!(fixture.outbox.running.all().len(), 2);
    assert_eq!(fixture.unstarted.recv().await.unwrap().deliveries.len(), 1);
    assert!(fixture.unstarted.recv().await.is_some() && fixture.unstarted.try_recv().is_err());
}

#[tokio::test]
async fn promise_5_the_inbox_holds_10_000_pending_messages_and_always_those_of_known_payments() {
    let fixture = StoreFixture::with_slots(0);
    let pending = || InboxState::Pending { attempts: 1, due_at: fixture.clock.steady() };
    fixture
        .fill_inbox(
            "INSERT INTO athm_inbox (id, state, payment, sender, attempts, due_at, received_at, version) \
         SELECT randomblob(16), 'pending', 'reference:' || n, 'callback', 1, 0, 0, 0",
        )
        .await;
    let inserted = join_all((0..20).map(|n| fixture.store.insert_message(message(n, pending())))).await;
    assert_eq!(inserted.iter().filter(|inserted| inserted.is_ok()).count(), 10);
    assert!(matches!(fixture.store.insert_message(message(10_000, pending())).await, Err(StoreError::InboxFull)));
    fixture.store.insert_message(message(7, pending())).await.unwrap();
    assert_eq!(fixture.count("SELECT count(*) FROM athm_inbox").await, 10_000);

    let mut ours = record("12-ab", Some(Uuid::from_u128(10_001)));
    ours.observed.status = Status::Open;
    ours.observed.deadline = Some(fixture.clock.now());
    fixture.store.record(ours).await.unwrap();
    fixture.store.insert_message(message(10_001, pending())).await.unwrap();
}

#[tokio::test]
async fn promise_5_a_message_that_arrives_during_a_lookup_is_not_deleted_after_it() {
    let fixture = StoreFixture::with_slots(0);
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
async fn tables_of_a_newer_version_are_refused_and_those_of_this_version_are_kept() {
    let fixture = StoreFixture::with_slots(0);
    fixture.record(1).await.unwrap();
    let path = StoreFixture::path(&fixture.folder);
    fixture.store.close().await.unwrap();
    let again = Sqlite::open(&path, context(&fixture.clock, 0, Batching::Grouped).0).unwrap();
    let rows = again
        .reader
        .read(|connection| connection.query_row("SELECT count(*) FROM athm_event", [], |row| row.get::<_, u32>(0)));
    assert_eq!(rows.await.unwrap(), 1);
    let newer = |connection: &Connection| Ok(execute(connection, "INSERT INTO athm_migration VALUES (99, 0)", [])?);
    again.writer.write(newer, |()| ()).await.unwrap();
    again.close().await.unwrap();
    let refused = Sqlite::open(&path, context(&fixture.clock, 0, Batching::Grouped).0).map(drop);
    assert!(matches!(refused, Err(StoreError::Newer { found: 99, .. })), "{refused:?}");
}
