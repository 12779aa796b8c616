//! Two processes, one delivery, one effect.

use std::sync::Arc;
use std::time::Duration;

use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::errors::CompletionError;
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{Athm, BoxError, Context, Delivery, FromContext, Sender, Signal, Status};
use athm_tests::{TestDatabase as _, TextRecorder, eventually, payment, trusting_builder};
use tokio::sync::Notify;

use crate::Database;
use crate::exactly_once::{Driver, Ending};
use crate::own::Own;

const KIOSK: Sender = Sender::from_static("kiosk");

/// A process whose receiver notes how it ends.
async fn process<F>(
    name: &'static str,
    (database, clock, recorder): (&Database, &Clock, &TextRecorder),
    effect: impl Fn(Delivery) -> F + Send + Sync + 'static,
) -> Athm
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let (dispatcher, recorder) = (Dispatcher::empty(), recorder.clone());
    let fulfil = move |context: &Context<'_>| {
        let (running, recorder) = (effect(Delivery::from_context(context).unwrap()), recorder.clone());
        recorder.note(format!("{name} begins"));
        async move {
            let result = running.await;
            recorder.note(match &result {
                Ok(()) => format!("{name} succeeds"),
                Err(error) => format!("{name}: {error}"),
            });
            result
        }
    };
    // Its timeout must not drop what waits for the test.
    let options = ReceiverOptions::new("fulfil").timeout(Duration::from_secs(3600));
    dispatcher.connect(options, [Signal::Completed], fulfil).unwrap();
    // One slot: a process that runs the delivery doesn't claim it again when the test ends its lease.
    trusting_builder(database, dispatcher).clock(clock.clone()).concurrency(1).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_wakes_up_late_has_no_effect_beside_the_one_that_took_over() {
    for driver in Own::DRIVERS.iter().filter(|driver| **driver != Driver::Statement) {
        let (database, clock, recorder) = (Database::new(), Clock::manual(), TextRecorder::new());
        let (own, gate) = (Own::new(&database), Arc::new(Notify::new()));
        let (late_own, late_gate) = (own.clone(), Arc::clone(&gate));
        let late = process("late", (&database, &clock, &recorder), move |delivery| {
            let (own, gate) = (late_own.clone(), Arc::clone(&late_gate));
            async move {
                gate.notified().await;
                own.effect(*driver, "order-1", delivery, Ending::Commits).await
            }
        })
        .await;
        late.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
        recorder.wait_for(1).await;
        // It stands still, and its lease ends.
        database.end_leases();
        clock.advance(Duration::from_secs(5));
        let heirs_own = own.clone();
        let heir = process("heir", (&database, &clock, &recorder), move |delivery| {
            let own = heirs_own.clone();
            async move { own.effect(*driver, "order-1", delivery, Ending::Commits).await }
        })
        .await;
        recorder.wait_for(3).await;
        heir.idle().await;
        assert_eq!(own.effects().await, 1);
        gate.notify_one();
        let noted = recorder.wait_for(4).await;
        let taken = format!("late: {}", CompletionError::TakenOver);
        assert_eq!(noted, ["late begins", "heir begins", "heir succeeds", &taken]);
        late.idle().await;
        assert_eq!(own.effects().await, 1);
        assert_eq!(database.query("SELECT state || ' ' || attempts FROM athm_delivery"), ["succeeded 1"]);
        for athm in [late, heir] {
            athm.shutdown(Duration::from_secs(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_about_to_be_completed_is_not_taken_over() {
    let (database, clock, recorder) = (Database::new(), Clock::manual(), TextRecorder::new());
    let (own, gate, is_open) = (Own::new(&database), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (slow_own, slow_gate, opened) = (own.clone(), Arc::clone(&gate), Arc::clone(&is_open));
    let slow = process("slow", (&database, &clock, &recorder), move |delivery| {
        let (own, gate, opened) = (slow_own.clone(), Arc::clone(&slow_gate), Arc::clone(&opened));
        async move { own.effect_with_pause("order-1", delivery, &opened, &gate).await }
    })
    .await;
    slow.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    is_open.notified().await;
    let heirs_own = own.clone();
    let heir = process("heir", (&database, &clock, &recorder), move |delivery| {
        let own = heirs_own.clone();
        async move { own.effect(Driver::Plain, "order-1", delivery, Ending::Commits).await }
    })
    .await;
    // Its lease isn't renewed while its row is locked, and ends; the heir looks again and again.
    for _ in 0..20 {
        clock.advance(Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(recorder.noted(), ["slow begins"]);
    gate.notify_one();
    eventually(async || recorder.noted().len() == 2).await;
    slow.idle().await;
    heir.idle().await;
    assert_eq!((recorder.noted(), own.effects().await), (vec!["slow begins".into(), "slow succeeds".into()], 1));
    for athm in [slow, heir] {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}
