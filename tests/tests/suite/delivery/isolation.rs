//! A receiver that hangs, or panics wherever its code runs, harms no other delivery.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use athm_core::dispatch::{Dispatcher, Receive, ReceiverOptions};
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{BoxError, Context, Signal};
use athm_tests::{TextRecorder, advance_until, eventually, trusting_builder};

use super::{complete, dead};
use crate::Database;

const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Options of a receiver with one attempt.
fn once(id: &str) -> ReceiverOptions {
    ReceiverOptions::new(id).attempts(1).timeout(LIMIT)
}

/// A blocking receiver of `received` that hangs for the first payment, until the sender is used or dropped.
fn connect_hanging(dispatcher: &Dispatcher, recorder: &TextRecorder) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (released, recorder) = (Mutex::new(released), recorder.clone());
    let hang = move |context: &Context<'_>| {
        if context.transaction().metadata_1() == "order-1" {
            recorder.note("hangs");
            let _ = released.lock().unwrap().recv();
        }
    };
    dispatcher.connect(once("hangs").blocking(), [Signal::Received], hang).unwrap();
    release
}

fn connect_fulfil(dispatcher: &Dispatcher, recorder: &TextRecorder) {
    let recorder = recorder.clone();
    let fulfil = move |context: &Context<'_>| recorder.note(context.transaction().metadata_1());
    dispatcher.connect("fulfil", [Signal::Completed], fulfil).unwrap();
}

#[tokio::test]
async fn the_next_signal_starts_when_a_hung_blocking_receiver_is_past_its_timeout() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let dispatcher = Dispatcher::empty();
    let release = connect_hanging(&dispatcher, &recorder);
    connect_fulfil(&dispatcher, &recorder);
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    complete(&athm, 1).await;
    assert_eq!(recorder.wait_for(1).await, ["hangs"]);
    clock.advance(LIMIT - Duration::from_millis(1));
    assert_eq!(recorder.noted(), ["hangs"]);
    // The hung receiver is still running when the next signal's receiver ends.
    clock.advance(Duration::from_secs(1));
    assert_eq!(recorder.wait_for(2).await, ["hangs", "order-1"]);
    release.send(()).unwrap();
    athm.idle().await;
    assert!(dead(&athm).await.is_empty());
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_hung_receiver_holds_its_own_slot_and_deliveries_that_wait_for_it_hold_none() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let dispatcher = Dispatcher::empty();
    let release = connect_hanging(&dispatcher, &recorder);
    connect_fulfil(&dispatcher, &recorder);
    let builder = trusting_builder(&database, dispatcher).clock(clock.clone()).concurrency(2);
    let athm = builder.start().await.unwrap();
    complete(&athm, 1).await;
    assert_eq!(recorder.wait_for(1).await, ["hangs"]);
    for n in 2..=20 {
        complete(&athm, n).await;
    }
    // One slot is left for the deliveries of all other payments, also for those of the hung one's event.
    advance_until(&clock, async || recorder.noted().len() == 20).await;
    assert!(!recorder.noted().contains(&String::from("order-1")), "{:?}", recorder.noted());
    clock.advance(LIMIT);
    assert_eq!(recorder.wait_for(21).await.last().map(String::as_str), Some("order-1"));
    drop(release);
    athm.idle().await;
    athm.shutdown(Duration::ZERO).await;
}

/// Panics whenever it is dropped.
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Waits for ever, with a value that panics when the timeout drops it.
struct HangsAndPanicsInDrop;

impl Receive for HangsAndPanicsInDrop {
    async fn receive(&self, _: &Context<'_>) -> Result<(), BoxError> {
        let _value = PanicsInDrop;
        std::future::pending().await
    }
}

/// An error that misbehaves in every way that an error can.
#[derive(Debug)]
enum Nasty {
    PanicsInDrop,
    PanicsInDisplay,
    NeverEndingDisplay,
    NeverEndingSource,
}

impl fmt::Display for Nasty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PanicsInDisplay => panic!("shown"),
            Self::NeverEndingDisplay => loop {
                f.write_str("again ")?;
            },
            Self::PanicsInDrop | Self::NeverEndingSource => f.write_str("it failed"),
        }
    }
}

impl Error for Nasty {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        matches!(self, Self::NeverEndingSource).then_some(self)
    }
}

impl Drop for Nasty {
    fn drop(&mut self) {
        if matches!(self, Self::PanicsInDrop) {
            panic!("dropped");
        }
    }
}

/// Records one payment for the receivers of the dispatcher and a well-behaved one, lets time pass, and returns the ids of the
/// dead deliveries.
async fn dead_beside_a_neighbour(dispatcher: Dispatcher) -> Vec<String> {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    connect_fulfil(&dispatcher, &recorder);
    let others = dispatcher.receivers().len() - 1;
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    complete(&athm, 1).await;
    eventually(async || {
        clock.advance(LIMIT);
        dead(&athm).await.len() == others
    })
    .await;
    athm.idle().await;
    assert_eq!(recorder.noted(), ["order-1"], "the neighbour succeeds once");
    let dead = dead(&athm).await.into_iter().map(|delivery| delivery.receiver).collect();
    athm.shutdown(Duration::ZERO).await;
    dead
}

#[tokio::test]
async fn a_future_that_panics_when_its_timeout_drops_it_fails_alone() {
    let dispatcher = Dispatcher::empty();
    dispatcher.connect_receiver(once("hangs"), [Signal::Completed], HangsAndPanicsInDrop).unwrap();
    assert_eq!(dead_beside_a_neighbour(dispatcher).await, ["hangs"]);
}

#[tokio::test]
async fn an_error_that_misbehaves_fails_its_own_delivery_alone() {
    let dispatcher = Dispatcher::empty();
    let error_of = |id| match id {
        "drop" => Nasty::PanicsInDrop,
        "display" => Nasty::PanicsInDisplay,
        "endless display" => Nasty::NeverEndingDisplay,
        _ => Nasty::NeverEndingSource,
    };
    for id in ["drop", "display", "endless display", "endless source"] {
        dispatcher.connect(once(id), [Signal::Completed], move |_| Err::<(), _>(error_of(id))).unwrap();
    }
    let mut dead = dead_beside_a_neighbour(dispatcher).await;
    dead.sort();
    assert_eq!(dead, ["display", "drop", "endless display", "endless source"]);
}

#[tokio::test]
async fn a_panic_payload_that_panics_in_drop_fails_its_own_delivery_alone() {
    let dispatcher = Dispatcher::empty();
    let throw = |_: &Context<'_>| -> () { std::panic::panic_any(Arc::new(PanicsInDrop)) };
    dispatcher.connect(once("throws"), [Signal::Completed], throw).unwrap();
    assert_eq!(dead_beside_a_neighbour(dispatcher).await, ["throws"]);
}
