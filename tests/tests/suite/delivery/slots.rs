//! Promise 6: a delivery runs only with a slot, and its attempts are counted.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use athm_core::deliveries::{DeliveryCounts, DeliveryQuery, DeliveryState};
use athm_core::dispatch::Dispatcher;
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Context, Delivery, FromContext, Signal};
use athm_tests::{TextRecorder, advance_until, eventually, trusting_builder};

use super::{DAY, complete, dead, program, start};
use crate::Database;

#[tokio::test]
async fn promise_6_nothing_runs_without_a_slot_and_the_backlog_drains() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (finish, finished) = mpsc::channel::<()>();
    let (notes, finished, most) = (recorder.clone(), Arc::new(Mutex::new(finished)), Arc::new(AtomicU32::new(0)));
    let (running, peak) = (Arc::new(AtomicU32::new(0)), Arc::clone(&most));
    let behave = move |_, delivery: Delivery| {
        peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        finished.lock().unwrap().recv().unwrap();
        running.fetch_sub(1, Ordering::SeqCst);
        notes.note(delivery.attempt());
    };
    let athm = start(&database, &clock, &["slow"], behave, |builder| builder.concurrency(1)).await;
    for n in 0..20 {
        complete(&athm, n).await;
    }
    assert!(recorder.noted().is_empty());
    for _ in 0..20 {
        finish.send(()).unwrap();
    }
    athm.idle().await;
    assert_eq!(recorder.noted(), vec!["1"; 20]);
    assert_eq!(most.load(Ordering::SeqCst), 1);
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_6_a_delivery_that_was_claimed_ahead_and_gets_no_slot_is_released_and_costs_no_attempt() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (finish, finished) = mpsc::channel::<()>();
    let (notes, finished) = (recorder.clone(), Arc::new(Mutex::new(finished)));
    let behave = move |_, delivery: Delivery| {
        finished.lock().unwrap().recv().unwrap();
        notes.note(delivery.attempt());
    };
    let athm = start(&database, &clock, &["slow"], behave, |builder| builder.concurrency(1)).await;
    for n in 0..3 {
        complete(&athm, n).await;
        finish.send(()).unwrap();
    }
    athm.idle().await;
    // Three have ended in this second, so that three are claimed ahead of the slot.
    for n in 3..8 {
        complete(&athm, n).await;
    }
    let counts = async || athm.deliveries().counts(DeliveryQuery::new()).await.unwrap();
    let due_and_running = |due, running| {
        let states = [(DeliveryState::Due, due), (DeliveryState::Running, running), (DeliveryState::Succeeded, 3)];
        DeliveryCounts::from(states)
    };
    eventually(async || counts().await == due_and_running(1, 4)).await;
    advance_until(&clock, async || counts().await == due_and_running(4, 1)).await;
    for _ in 3..8 {
        finish.send(()).unwrap();
    }
    advance_until(&clock, async || recorder.noted().len() == 8).await;
    athm.idle().await;
    assert_eq!(recorder.noted(), vec!["1"; 8]);
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_6_shutdown_counts_neither_the_attempt_of_a_running_receiver_nor_of_a_claimed_one() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (stuck, never) = mpsc::channel::<()>();
    let (entered, entering) = (Arc::new(tokio::sync::Notify::new()), Mutex::new(never));
    let (note_entered, entering) = (Arc::clone(&entered), Arc::new(entering));
    let dispatcher = Dispatcher::empty();
    dispatcher
        .connect("runs", [Signal::Received], move |_| {
            note_entered.notify_one();
            let _ = entering.lock().unwrap().recv();
        })
        .unwrap();
    dispatcher.connect("waits", [Signal::Completed], |_| ()).unwrap();
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    complete(&athm, 1).await;
    entered.notified().await;
    athm.shutdown(Duration::from_millis(1)).await;
    drop(stuck);

    let notes = recorder.clone();
    let dispatcher = Dispatcher::empty();
    for (id, signal) in [("runs", Signal::Received), ("waits", Signal::Completed)] {
        let notes = notes.clone();
        let note = move |context: &Context<'_>| {
            notes.note(format!("{id} {}", Delivery::from_context(context).unwrap().attempt()))
        };
        dispatcher.connect(id, [signal], note).unwrap();
    }
    let athm = trusting_builder(&database, dispatcher).clock(clock).start().await.unwrap();
    athm.idle().await;
    // `waits` was claimed and never started: the process released it.
    let noted: HashSet<_> = recorder.noted().into_iter().collect();
    assert_eq!(noted, ["runs 1", "waits 1"].map(String::from).into());
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_6_a_receiver_that_kills_its_process_is_dead_after_ten_attempts() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    for process in 1..=14 {
        let (stuck, never) = mpsc::channel::<()>();
        let (notes, never) = (recorder.clone(), Arc::new(Mutex::new(never)));
        let behave = move |_, delivery: Delivery| {
            notes.note(delivery.attempt());
            let _ = never.lock().unwrap().recv();
        };
        let athm = program(&database, &clock, &["kills"], behave).await;
        if process == 1 {
            complete(&athm, 1).await;
        }
        // Two interruptions are free. From then on each attempt counts before it begins.
        let expected = usize::min(process, 12);
        eventually(async || recorder.noted().len() == expected && (process <= 12 || dead(&athm).await.len() == 1))
            .await;
        athm.shutdown(Duration::ZERO).await;
        drop(stuck);
    }
    let expected: Vec<_> = [1, 1].into_iter().chain(1..=10).map(|attempt| attempt.to_string()).collect();
    assert_eq!(recorder.noted(), expected);
    let athm = program(&database, &clock, &["kills"], |_, _| ()).await;
    assert!(dead(&athm).await[0].error.as_deref().unwrap().contains("the receiver may have ended the process"));
    athm.shutdown(DAY).await;
}
