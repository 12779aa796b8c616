//! Deliveries and events that are replayed.

use athm_core::deliveries::DeliveryState;
use athm_core::errors::ReplayError;
use athm_core::testing::Clock;
use athm_core::{AthmBuilder, Delivery, Permanent, Rejection, Signal, Status};
use athm_tests::{TextRecorder, payment};

use super::{DAY, KIOSK, complete, dead, program, start};
use crate::Database;

#[tokio::test]
async fn a_replayed_dead_delivery_starts_at_attempt_1_and_a_succeeded_one_needs_force() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let athm = program(&database, &clock, &["mended"], move |_, delivery| {
        notes.note(format!("{} {}", delivery.attempt(), delivery.is_replay()));
        if delivery.is_replay() { Ok(()) } else { Err(Permanent::new("broken")) }
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    let id = dead(&athm).await[0].id;
    athm.deliveries().replay(id).run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["1 false", "1 true"]);
    assert!(dead(&athm).await.is_empty());
    assert_eq!(athm.deliveries().get(id).await.unwrap().unwrap().state, DeliveryState::Succeeded);
    assert!(matches!(athm.deliveries().replay(id).run().await, Err(ReplayError::Succeeded { .. })));
    athm.deliveries().replay(id).force().run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted().len(), 3);
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn an_event_replays_to_a_receiver_that_is_newer_or_that_a_check_excluded() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let behave = move |id, delivery: Delivery| notes.note(format!("{id} {}", delivery.is_replay()));
    let closed = |builder: AthmBuilder| builder.check(|_| Err(Rejection::new("closed")));
    let athm = start(&database, &clock, &["fulfil"], behave.clone(), closed).await;
    let event = athm.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap().events()[0].id();
    athm.idle().await;
    assert!(recorder.noted().is_empty());
    let planned = athm.deliveries().replay_event(event, "fulfil").dry_run().await.unwrap();
    assert_eq!((planned.len(), planned[0].signal), (1, Signal::Completed));
    athm.deliveries().replay_event(event, "fulfil").run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["fulfil true"]);
    assert!(matches!(athm.deliveries().replay_event(event, "fulfil").run().await, Err(ReplayError::Succeeded { .. })));
    athm.shutdown(DAY).await;

    let athm = program(&database, &clock, &["fulfil", "younger"], behave).await;
    athm.deliveries().replay_event(event, "younger").run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["fulfil true", "younger true"]);
    athm.shutdown(DAY).await;
}
