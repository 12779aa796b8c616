//! Receivers that ask to be run again later, with a `RetryAfter`.

use std::time::Duration;

use athm_core::deliveries::DeliveryState;
use athm_core::ids::DeliveryId;
use athm_core::testing::{Clock, Recorder};
use athm_core::{BoxError, Delivery, Rejection, RetryAfter};
use athm_tests::{TextRecorder, eventually};
use jiff::SignedDuration;

use super::{DAY, complete, dead, exhaust, program};
use crate::Database;

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn a_receiver_that_waits_runs_when_its_time_has_come_and_spends_no_attempt() {
    let (database, clock, runs) = (Database::new(), Clock::manual(), Recorder::<Delivery>::default());
    let notes = runs.clone();
    let athm = program(&database, &clock, &["waits"], move |_, delivery| -> Result<(), BoxError> {
        notes.note(delivery);
        match notes.noted().len() {
            1 => Err(RetryAfter::new(HOUR).into()),
            2 => Err(Rejection::new("the warehouse is closed").caused_by(RetryAfter::new(2 * HOUR)).into()),
            _ => Ok(()),
        }
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    let id = runs.noted()[0].idempotency_key();
    let stored = async || athm.deliveries().get(id).await.unwrap().unwrap();
    let waiting = stored().await;
    assert_eq!((waiting.state, waiting.attempts, waiting.error), (DeliveryState::Due, 0, None));
    assert_eq!(waiting.due_at.duration_since(clock.now()), SignedDuration::from_hours(1));

    clock.advance(HOUR - Duration::from_secs(1));
    athm.idle().await;
    assert_eq!(runs.noted().len(), 1);
    // Without a word to athm, it runs within two seconds.
    clock.advance(Duration::from_secs(1));
    clock.advance(Duration::from_secs(2));
    eventually(async || runs.noted().len() == 2).await;
    athm.idle().await;
    clock.advance(2 * HOUR);
    athm.idle().await;
    assert_eq!(runs.noted().iter().map(Delivery::attempt).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!((stored().await.state, stored().await.attempts), (DeliveryState::Succeeded, 1));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn what_has_waited_for_too_long_fails_like_any_other_and_a_replay_may_wait_again() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let athm = program(&database, &clock, &["waits"], move |_, delivery| {
        notes.note(delivery.attempt());
        Err::<(), _>(RetryAfter::new(HOUR).at_most(3 * HOUR).caused_by("the warehouse is closed"))
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    for _ in 0..3 {
        clock.advance(HOUR);
        athm.idle().await;
    }
    assert_eq!(recorder.noted(), ["1"; 4]);
    exhaust(&athm, &clock).await;
    let dead = dead(&athm).await.remove(0);
    assert_eq!((dead.attempts, recorder.noted().len()), (10, 13));
    let error = "it can't work yet, and asks to be run again in 3600s: the warehouse is closed";
    assert_eq!(dead.error.as_deref(), Some(error));

    athm.deliveries().replay(dead.id).run().await.unwrap();
    athm.idle().await;
    let again = athm.deliveries().get(dead.id).await.unwrap().unwrap();
    assert_eq!((again.state, again.attempts, recorder.noted().len()), (DeliveryState::Due, 0, 14));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_receiver_waits_on_across_a_restart_and_its_waits_are_counted_together() {
    let (database, clock, ids) = (Database::new(), Clock::manual(), Recorder::<DeliveryId>::default());
    let start = async || {
        let notes = ids.clone();
        program(&database, &clock, &["waits"], move |_, delivery| {
            notes.note(delivery.idempotency_key());
            Err::<(), _>(RetryAfter::new(HOUR).at_most(2 * HOUR))
        })
        .await
    };
    let athm = start().await;
    complete(&athm, 1).await;
    athm.idle().await;
    athm.shutdown(DAY).await;

    let athm = start().await;
    athm.idle().await;
    assert_eq!(ids.noted().len(), 1);
    clock.advance(HOUR);
    athm.idle().await;
    clock.advance(HOUR);
    athm.idle().await;
    let failed = athm.deliveries().get(ids.noted()[0]).await.unwrap().unwrap();
    assert_eq!((ids.noted().len(), failed.attempts), (3, 1));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_permanent_error_is_dead_at_once_whatever_else_it_asks_for() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["waits"], |_, _| {
        Err::<(), _>(RetryAfter::new(HOUR).caused_by(athm_core::Permanent::new("no such order")))
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    assert_eq!(dead(&athm).await.len(), 1);
    athm.shutdown(DAY).await;
}
