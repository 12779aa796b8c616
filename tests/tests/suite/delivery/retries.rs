//! Promise 3: a failed delivery is retried alone, with a limit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use athm_core::deliveries::DeliveryState;
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Amount, BoxError, Delivery, Permanent, Rejection, Sender, Signal, State, Status, receiver};
use athm_tests::{TextRecorder, eventually, linked_dispatcher, payment, trusting_builder};
use jiff::SignedDuration;

use super::{DAY, Observed, complete, dead, exhaust, program};
use crate::Database;

#[tokio::test]
async fn promise_3_a_failed_receiver_is_retried_alone_until_it_succeeds() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let athm = program(&database, &clock, &["fails twice", "succeeds"], move |id, delivery| {
        notes.note(format!("{id} {}", delivery.attempt()));
        if id == "fails twice" && delivery.attempt() < 3 { Err("not yet") } else { Ok(()) }
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    assert_eq!(recorder.noted(), ["fails twice 1", "succeeds 1"]);
    clock.advance(Duration::from_secs(5));
    athm.idle().await;
    clock.advance(Duration::from_secs(20));
    athm.idle().await;
    assert_eq!(recorder.noted()[2..], ["fails twice 2", "fails twice 3"]);
    exhaust(&athm, &clock).await;
    assert_eq!((recorder.noted().len(), dead(&athm).await.len()), (4, 0));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_3_a_delivery_is_dead_after_ten_attempts_and_kept() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let athm = program(&database, &clock, &["fails"], move |_, delivery| {
        notes.note(format!("{} {}", delivery.attempt(), delivery.is_last_attempt()));
        Err::<(), _>("the printer is on fire")
    })
    .await;
    complete(&athm, 1).await;
    exhaust(&athm, &clock).await;
    let expected: Vec<_> = (1..=10).map(|attempt| format!("{attempt} {}", attempt == 10)).collect();
    assert_eq!(recorder.noted(), expected);
    let dead = dead(&athm).await;
    assert_eq!((dead.len(), dead[0].attempts, dead[0].state), (1, 10, DeliveryState::Dead));
    assert_eq!((dead[0].error.as_deref(), dead[0].receiver.as_str()), (Some("the printer is on fire"), "fails"));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_3_a_permanent_error_and_an_unexpected_total_are_dead_at_once() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(
        &database,
        &clock,
        &["permanent", "caused by one", "cheap", "transient"],
        |id, _| -> Result<(), BoxError> {
            match id {
                "permanent" => Err(Permanent::new("no such order").into()),
                "caused by one" => Err(Rejection::new("it names no order").caused_by(Permanent::MARK).into()),
                "cheap" => Ok(payment(1, Status::Completed).build().expect_total(Amount::from_cents(1))?),
                _ => Err("try again".into()),
            }
        },
    )
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    let receivers: HashSet<_> = dead(&athm).await.into_iter().map(|delivery| delivery.receiver).collect();
    assert_eq!(receivers, ["permanent", "caused by one", "cheap"].map(String::from).into());
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_3_a_panic_is_recorded_with_its_message_and_retried() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let athm = program(&database, &clock, &["panics"], move |_, delivery| {
        notes.note(delivery.attempt());
        assert!(delivery.attempt() != 1, "no mugs left");
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    exhaust(&athm, &clock).await;
    assert_eq!(recorder.noted(), ["1", "2"]);
    athm.shutdown(DAY).await;
}

/// Lets a running receiver finish.
type Release = Arc<tokio::sync::Notify>;

#[receiver(completed, id = "p3.waits", sender = "p3")]
async fn waits(State(release): State<Release>) {
    release.notified().await;
}

#[receiver(completed, id = "p3.fails", sender = "p3")]
fn fails(signal: Signal, delivery: Delivery, State(observed): State<Observed>) -> Result<(), &'static str> {
    observed.lock().unwrap().push(("fails".into(), signal, delivery));
    if delivery.attempt() == 1 { Err("again") } else { Ok(()) }
}

#[tokio::test]
async fn promise_3_a_failed_receiver_is_retried_while_another_receiver_of_its_event_runs() {
    let (database, clock, release, observed) =
        (Database::new(), Clock::manual(), Release::default(), Observed::default());
    let builder =
        trusting_builder(&database, linked_dispatcher("p3.")).state(Arc::clone(&release)).state(Arc::clone(&observed));
    let athm = builder.clock(clock.clone()).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::new("p3")).await.unwrap();
    let attempts = || observed.lock().unwrap().iter().map(|(.., delivery)| delivery.attempt()).collect::<Vec<_>>();
    eventually(async || attempts() == [1]).await;
    let id = observed.lock().unwrap()[0].2.idempotency_key();
    let state = async || athm.deliveries().get(id).await.unwrap().map(|delivery| delivery.state);
    eventually(async || state().await == Some(DeliveryState::Due)).await;
    clock.advance(Duration::from_secs(6));
    eventually(async || state().await == Some(DeliveryState::Succeeded)).await;
    assert_eq!(attempts(), [1, 2]);
    release.notify_one();
    athm.idle().await;
    assert_eq!(attempts(), [1, 2]);
    athm.shutdown(DAY).await;
}

#[receiver(received, completed, id = "impatient.fails", sender = "impatient", attempts = 3)]
fn fails_three_times(
    signal: Signal,
    delivery: Delivery,
    State(recorder): State<TextRecorder>,
) -> Result<(), &'static str> {
    if signal == Signal::Received {
        return Ok(());
    }
    recorder.note(format!("{} {}", delivery.attempt(), delivery.is_last_attempt()));
    Err("the printer is on fire")
}

#[tokio::test]
async fn a_receiver_with_its_own_attempts_is_dead_after_them() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let athm = trusting_builder(&database, linked_dispatcher("impatient."))
        .state(recorder.clone())
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::new("impatient")).await.unwrap();
    exhaust(&athm, &clock).await;
    assert_eq!(recorder.noted(), ["1 false", "2 false", "3 true"]);
    let dead = dead(&athm).await;
    assert_eq!((dead.len(), dead[0].attempts, dead[0].state), (1, 3, DeliveryState::Dead));
    athm.shutdown(DAY).await;
}

/// An error whose `Display` and `source` panic.
#[derive(Debug)]
struct PanickingError;

impl std::fmt::Display for PanickingError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("panicking")
    }
}

impl std::error::Error for PanickingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("without a cause")
    }
}

#[tokio::test]
async fn an_error_whose_display_panics_is_a_failed_attempt() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["panicking"], |_, _| Err(PanickingError)).await;
    complete(&athm, 1).await;
    exhaust(&athm, &clock).await;
    assert_eq!(dead(&athm).await[0].error.as_deref(), Some("(its `Display` panics)"));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_clock_jump_repeats_no_delivery_and_delays_none() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let athm = program(&database, &clock, &["fails once"], move |_, delivery| {
        notes.note(delivery.attempt());
        if delivery.attempt() == 1 { Err("once") } else { Ok(()) }
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    clock.jump(SignedDuration::from_hours(-48));
    complete(&athm, 2).await;
    athm.idle().await;
    clock.jump(SignedDuration::from_hours(96));
    athm.idle().await;
    assert_eq!(recorder.noted(), ["1", "1"]);
    clock.advance(Duration::from_secs(5));
    athm.idle().await;
    assert_eq!(recorder.noted(), ["1", "1", "2", "2"]);
    athm.shutdown(DAY).await;
}

#[receiver(completed, id = "backoff.own", sender = "backoff", backoff = "10m", attempts = 3)]
fn fails_with_a_backoff_of_its_own(
    delivery: Delivery,
    State(recorder): State<TextRecorder>,
) -> Result<(), &'static str> {
    recorder.note(delivery.idempotency_key());
    Err("the printer is on fire")
}

#[tokio::test]
async fn a_receiver_with_its_own_backoff_is_tried_again_within_four_times_as_long_each_time() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let dispatcher = linked_dispatcher("backoff.").state(recorder.clone());
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).seed(7).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::new("backoff")).await.unwrap();
    athm.idle().await;
    let id = recorder.noted()[0].parse().unwrap();
    let due_at = async || athm.deliveries().get(id).await.unwrap().unwrap().due_at;
    let minute = Duration::from_secs(60);
    let pause = due_at().await.duration_since(clock.now());
    assert!(pause > SignedDuration::from_secs(20) && pause <= SignedDuration::from_mins(10), "{pause}");
    clock.advance(10 * minute);
    athm.idle().await;
    let pause = due_at().await.duration_since(clock.now());
    assert!(pause > SignedDuration::from_mins(10) && pause <= SignedDuration::from_mins(40), "{pause}");
    clock.advance(40 * minute);
    athm.idle().await;
    assert_eq!((recorder.noted().len(), dead(&athm).await.len()), (3, 1));
    athm.shutdown(DAY).await;
}
