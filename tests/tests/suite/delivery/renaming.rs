//! A receiver that was renamed: the deliveries of its old id are its own.

use std::time::Duration;

use athm_core::deliveries::DeliveryState;
use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::errors::{ReplayError, StartError};
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{Context, Delivery, FromContext, Signal, State, receiver};
use athm_tests::{TextRecorder, linked_dispatcher, trusting_builder};

use super::{DAY, complete, dead, program};
use crate::Database;

const OLDER: &str = "renaming.older";

#[receiver(completed, id = "renaming.new", was = ["renaming.old", OLDER])]
fn renamed(delivery: Delivery, State(recorder): State<TextRecorder>) {
    recorder.note(format!("attempt {}", delivery.attempt()));
}

#[tokio::test]
async fn the_deliveries_of_the_old_ids_are_run_by_the_receiver_that_was_renamed() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let athm = program(&database, &clock, &["renaming.old", OLDER], |_, _| Err::<(), _>("not now")).await;
    complete(&athm, 1).await;
    athm.idle().await;
    athm.shutdown(DAY).await;

    clock.advance(DAY);
    let dispatcher = linked_dispatcher("renaming.").state(recorder.clone());
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["attempt 2", "attempt 2"]);
    assert!(athm.deliveries().orphaned().await.unwrap().is_empty());
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_dead_delivery_of_the_old_id_replays_to_the_renamed_receiver_and_its_event_has_no_second_one() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let athm =
        program(&database, &clock, &["renaming.old"], |_, _| Err::<(), _>(athm_core::Permanent::new("no such order")))
            .await;
    complete(&athm, 1).await;
    athm.idle().await;
    athm.shutdown(DAY).await;

    let dispatcher = linked_dispatcher("renaming.").state(recorder.clone());
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    let dead = dead(&athm).await.remove(0);
    let replayed = athm.deliveries().replay(dead.id).run().await.unwrap();
    assert_eq!(replayed[0].id, dead.id);
    athm.idle().await;
    let again = athm.deliveries().replay_event(dead.event_id, "renaming.new").run().await;
    assert!(matches!(again, Err(ReplayError::Succeeded { id }) if id == dead.id), "{again:?}");
    athm.deliveries().replay_event(dead.event_id, "renaming.new").force().run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["attempt 1", "attempt 1"]);
    let state = athm.deliveries().get(dead.id).await.unwrap().unwrap().state;
    assert_eq!(state, DeliveryState::Succeeded);
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_connected_receiver_may_have_been_known_by_another_id_but_not_by_that_of_another_receiver() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let athm = program(&database, &clock, &["old"], |_, _| Err::<(), _>("not now")).await;
    complete(&athm, 1).await;
    athm.idle().await;
    athm.shutdown(DAY).await;

    clock.advance(DAY);
    let start = |other: &'static str| {
        let notes = recorder.clone();
        let note = move |context: &Context<'_>| notes.note(Delivery::from_context(context).unwrap().attempt());
        trusting_builder(&database, Dispatcher::empty())
            .clock(clock.clone())
            .connect(ReceiverOptions::new("new").was("old"), [Signal::Completed], note)
            .connect(other, [Signal::Cancelled], |_| ())
            .start()
    };
    let Err(StartError::Receivers { problems }) = start("old").await else { panic!("it starts") };
    assert!(problems[0].starts_with("one id for several, by `was`: `old` of"), "{problems:?}");
    let athm = start("another").await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["2"]);
    athm.shutdown(Duration::ZERO).await;
}
