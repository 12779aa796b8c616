//! Timeouts of receivers.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Delivery, Sender, State, Status, receiver};
use athm_tests::{TextRecorder, eventually, linked_dispatcher, payment, trusting_builder};

use super::{DAY, complete, dead, exhaust, program};
use crate::Database;

#[receiver(completed, id = "timeout.async", sender = "timeout")]
async fn never_ends(State(recorder): State<TextRecorder>) {
    recorder.note("begins");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_timeout_drops_an_async_receiver_and_its_delivery_is_retried() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let linked = linked_dispatcher("timeout.");
    let athm = trusting_builder(&database, linked).state(recorder.clone()).clock(clock.clone()).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::new("timeout")).await.unwrap();
    recorder.wait_for(1).await;
    clock.advance(Duration::from_secs(29));
    assert_eq!(recorder.noted().len(), 1);
    eventually(async || {
        clock.advance(Duration::from_secs(3600));
        dead(&athm).await.len() == 1
    })
    .await;
    assert_eq!((recorder.noted().len(), dead(&athm).await[0].error.as_deref()), (10, Some("it took longer than 30s")));
    athm.shutdown(DAY).await;
}

#[receiver(completed, id = "brief.async", sender = "brief", attempts = 2, timeout = "1500ms")]
async fn is_stopped_soon(delivery: Delivery, State(recorder): State<TextRecorder>) {
    recorder.note(format!("{} {}", delivery.attempt(), delivery.is_last_attempt()));
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_receiver_with_its_own_timeout_is_dropped_when_it_expires() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let athm = trusting_builder(&database, linked_dispatcher("brief."))
        .state(recorder.clone())
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::new("brief")).await.unwrap();
    recorder.wait_for(1).await;
    clock.advance(Duration::from_millis(1501));
    eventually(async || {
        clock.advance(Duration::from_secs(5));
        dead(&athm).await.len() == 1
    })
    .await;
    assert_eq!(recorder.noted(), ["1 false", "2 true"]);
    assert_eq!(dead(&athm).await[0].error.as_deref(), Some("it took longer than 1.5s"));
    athm.shutdown(DAY).await;
}

#[receiver(completed, id = "blocking.late", sender = "blocking", blocking, timeout = "2s", attempts = 2)]
fn blocks(
    State(gate): State<Gate>,
    State(recorder): State<TextRecorder>,
    delivery: Delivery,
) -> Result<(), &'static str> {
    recorder.note(delivery.attempt());
    gate.0.lock().map_err(|_| "poisoned")?.recv().map_err(|_| "gone")?
}

/// Lets a running receiver return this result.
struct Gate(Mutex<mpsc::Receiver<Result<(), &'static str>>>);

#[tokio::test]
async fn a_blocking_receiver_runs_past_its_timeout_and_its_failure_counts_as_a_timeout() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (go_on, gate) = mpsc::channel();
    let builder = trusting_builder(&database, linked_dispatcher("blocking."))
        .state(recorder.clone())
        .state(Gate(Mutex::new(gate)));
    let athm = builder.clock(clock.clone()).seed(7).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::new("blocking")).await.unwrap();
    for attempt in 1..=2 {
        eventually(async || {
            clock.advance(Duration::from_secs(1));
            recorder.noted().len() == attempt
        })
        .await;
        for _ in 0..100 {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        assert_eq!(recorder.noted().len(), attempt);
        go_on.send(Err("too late")).unwrap();
        athm.idle().await;
    }
    let dead = dead(&athm).await;
    assert_eq!((dead.len(), dead[0].attempts, dead[0].error.as_deref()), (1, 2, Some("it took longer than 2s")));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_sync_receiver_past_its_timeout_keeps_its_lease_and_a_late_success_counts() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (finish, finished) = mpsc::channel::<()>();
    let (notes, finished) = (recorder.clone(), Arc::new(Mutex::new(finished)));
    let athm = program(&database, &clock, &["late", "late and failing"], move |id, delivery| {
        notes.note(format!("{id} {}", delivery.attempt()));
        finished.lock().unwrap().recv().unwrap();
        if id == "late" || delivery.attempt() > 1 { Ok(()) } else { Err("it failed") }
    })
    .await;
    complete(&athm, 1).await;
    recorder.wait_for(1).await;
    // Hours pass, in steps short enough to renew leases.
    for _ in 0..100 {
        clock.advance(Duration::from_secs(60));
        tokio::task::yield_now().await;
    }
    finish.send(()).unwrap();
    finish.send(()).unwrap();
    finish.send(()).unwrap();
    athm.idle().await;
    exhaust(&athm, &clock).await;
    let mut noted = recorder.noted();
    noted.sort();
    assert_eq!(noted, ["late 1", "late and failing 1", "late and failing 2"]);
    assert!(dead(&athm).await.is_empty());
    athm.shutdown(DAY).await;
}
