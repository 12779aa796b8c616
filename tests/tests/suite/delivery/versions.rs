//! Promise 7: several versions of a program share one database.

use std::time::Duration;

use athm_core::deliveries::DeliveryState;
use athm_core::dispatch::Dispatcher;
use athm_core::errors::ReplayError;
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Context, FromContext, Signal, Status};
use athm_tests::{TextRecorder, payment, trusting_builder};

use super::{DAY, KIOSK, complete, program};
use crate::Database;

#[tokio::test]
async fn promise_7_a_process_runs_a_receiver_only_for_the_signals_that_its_version_names() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let version = |name: &'static str, signals: &'static [Signal], fails: bool| {
        let (dispatcher, notes) = (Dispatcher::empty(), recorder.clone());
        let note = move |context: &Context<'_>| {
            notes.note(format!("{name}: {}", Signal::from_context(context).unwrap()));
            if fails { Err("not yet") } else { Ok(()) }
        };
        dispatcher.connect("books", signals, note).unwrap();
        trusting_builder(&database, dispatcher).clock(clock.clone()).start()
    };
    let new = version("new", &[Signal::Completed, Signal::Cancelled], true).await.unwrap();
    let cancelled = new.record(payment(1, Status::Cancelled).build(), KIOSK).await.unwrap();
    new.idle().await;
    new.shutdown(Duration::ZERO).await;
    clock.advance(Duration::from_secs(60));

    let old = version("old", &[Signal::Completed], false).await.unwrap();
    complete(&old, 2).await;
    old.idle().await;
    assert_eq!(recorder.noted(), ["new: cancelled", "old: completed"]);
    clock.advance(25 * 60 * Duration::from_secs(60));
    let orphans = old.deliveries().orphaned().await.unwrap();
    assert_eq!((orphans.len(), orphans[0].event_id), (1, cancelled.events()[0].id()));
    let replayed = old.deliveries().replay(orphans[0].id).run().await;
    assert!(matches!(replayed, Err(ReplayError::NotListening { .. })), "{replayed:?}");
    old.shutdown(DAY).await;

    let new = version("new", &[Signal::Completed, Signal::Cancelled], false).await.unwrap();
    new.idle().await;
    assert_eq!(recorder.noted()[2..], ["new: cancelled"]);
    new.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_7_a_delivery_without_its_receiver_is_listed_as_orphaned_and_replays_to_another() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let athm = program(&database, &clock, &["old name"], |_, _| Err::<(), _>("not now")).await;
    complete(&athm, 1).await;
    athm.idle().await;
    athm.shutdown(DAY).await;

    let notes = recorder.clone();
    let athm = program(&database, &clock, &["new name"], move |id, delivery| {
        notes.note(format!("{id} {}", delivery.is_replay()))
    })
    .await;
    assert!(athm.deliveries().orphaned().await.unwrap().is_empty());
    clock.advance(DAY + Duration::from_secs(60));
    athm.idle().await;
    let orphaned = athm.deliveries().orphaned().await.unwrap();
    assert_eq!((orphaned.len(), orphaned[0].receiver.as_str(), orphaned[0].state), (1, "old name", DeliveryState::Due));
    let id = orphaned[0].id;
    assert!(
        matches!(athm.deliveries().replay(id).run().await, Err(ReplayError::UnknownReceiver { receiver }) if receiver == "old name")
    );
    assert!(matches!(athm.deliveries().replay(id).to("no name").run().await, Err(ReplayError::UnknownReceiver { .. })));

    let planned = athm.deliveries().replay(id).to("new name").dry_run().await.unwrap();
    assert_eq!((planned[0].receiver.as_str(), planned[0].attempts, planned[0].id), ("new name", 0, id));
    athm.idle().await;
    assert!(recorder.noted().is_empty());
    athm.deliveries().replay(id).to("new name").run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["new name true"]);
    assert!(athm.deliveries().orphaned().await.unwrap().is_empty());
    athm.shutdown(DAY).await;
}
