use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::*;
use crate::models::Signal;
use crate::outbox::{DeliveryState, Slots};
use crate::receiver::Context;
use crate::store::sqlite::Sqlite;
use crate::store::{Batching, DamagedRows, DeliverySelection, PendingRoom, Policy, StoreContext, WriteHealth};
use crate::util::backoff::Jitter;

/// A worker with that many slots on a database of its own, and what is handed over to it.
async fn worker(path: &str, slots: usize, dispatcher: Dispatcher, clock: Clock) -> (Worker, Unstarted) {
    let (outbox, unstarted) = Outbox::new(Slots::new(slots), clock.clone());
    let receivers = Handle::current();
    let policy = Policy { registry: dispatcher.snapshot(), ..Policy::default() };
    let context = StoreContext {
        policy,
        outbox: outbox.clone(),
        clock: clock.clone(),
        batching: Batching::Grouped,
        damaged: DamagedRows::default(),
        write_health: WriteHealth::default(),
        pending_room: PendingRoom::default(),
        background: receivers.clone(),
    };
    let sqlite = Sqlite::open(path, context).unwrap();
    sqlite.fail_when_busy().await.unwrap();
    let (store, jitter): (Arc<dyn Store>, _) = (Arc::new(sqlite), Arc::new(Jitter::seeded(Some(1))));
    (Worker { dispatcher, store, outbox, clock, jitter, receivers }, unstarted)
}

#[tokio::test]
async fn a_backlog_is_claimed_again_at_once_while_there_are_permits_for_a_full_claim() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("athm.db").display().to_string();
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("ship", [Signal::Completed], |_| ()).unwrap();
    let (worker, _unstarted) = worker(&path, 600, dispatcher, Clock::manual()).await;
    let held: Vec<_> = (0..3).flat_map(|_| worker.outbox.permits.take_for_poll()).collect();
    for n in 0..300 {
        worker.store.record(crate::store::fixtures::record(&format!("12-{n}"), None)).await.unwrap();
    }
    drop(held);
    assert_eq!(worker.poll_once().await, NextRun::Now);
    assert!(matches!(worker.poll_once().await, NextRun::Due(Some(_))));
    assert_eq!(worker.outbox.running.all().len(), 300);
}

#[tokio::test]
async fn a_receiver_that_succeeded_does_not_run_again_when_the_database_was_busy_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("athm.db").display().to_string();
    let (dispatcher, clock, runs) = (Dispatcher::empty(), Clock::manual(), Arc::new(AtomicU32::new(0)));
    // The receiver's own transaction locks the database, and outlasts it.
    let (locking, counting) = (path.clone(), Arc::clone(&runs));
    let (locked, mut lock) = tokio::sync::mpsc::unbounded_channel();
    let ship = move |_: &Context<'_>| {
        counting.fetch_add(1, Ordering::SeqCst);
        let connection = Connection::open(&locking).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        locked.send(connection).unwrap();
    };
    dispatcher.connect("ship", [Signal::Completed], ship).unwrap();
    let (worker, unstarted) = worker(&path, 1, dispatcher, clock.clone()).await;
    let store = Arc::clone(&worker.store);
    tokio::spawn(worker.clone().start_handed_over(unstarted));

    let recorded = store.record(crate::store::fixtures::record("12-ab", None)).await.unwrap();
    let connection = lock.recv().await.unwrap();
    // The permit is freed when the outcome couldn't be stored. Another one may be free, as many as receivers have ended.
    while worker.outbox.permits.take_for_poll().len() < 2 {
        tokio::task::yield_now().await;
    }
    connection.execute_batch("COMMIT").unwrap();
    let running = worker.outbox.running.all();
    while !worker.outbox.running.all().is_empty() {
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(recorded.events.len(), 1);
    let delivery = store.list_deliveries(DeliverySelection::One(running[0].0)).await.unwrap().remove(0);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Succeeded, 1));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
