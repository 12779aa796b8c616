//! Receivers that may block, and the other options of those that are connected at run time.

use std::thread;
use std::time::Duration;

use athm_core::dispatch::{Dispatcher, Failure, Receive, ReceiverOptions};
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{BoxError, Context, Delivery, FromContext, Sender, Signal, State, Status, receiver};
use athm_tests::{TextRecorder, eventually, linked_dispatcher, payment, trusting_builder};
use futures_util::FutureExt;

use crate::Database;

const SENDER: Sender = Sender::from_static("may block");

#[receiver(completed, id = "mayblock.panics", sender = "may block", blocking)]
fn panics(State(recorder): State<TextRecorder>) {
    recorder.note(format!("{:?}", thread::current().id()));
    panic!("no paper");
}

#[tokio::test]
async fn point_4_a_panic_on_the_blocking_pool_fails_the_receiver() {
    let recorder = TextRecorder::new();
    let dispatcher = linked_dispatcher("mayblock.").state(recorder.clone());
    let failed = dispatcher.send_robust(Signal::Completed, &payment(1, Status::Completed).build(), &SENDER).await;
    assert!(matches!(failed[0].result(), Err(Failure::Panic(message)) if message == "no paper"), "{failed:?}");
    assert_ne!(recorder.noted(), [format!("{:?}", thread::current().id())]);
}

#[test]
fn point_4_without_a_runtime_a_blocking_receiver_runs_on_the_calling_thread() {
    let recorder = TextRecorder::new();
    let (dispatcher, paid) =
        (linked_dispatcher("mayblock.").state(recorder.clone()), payment(1, Status::Completed).build());
    let failed =
        dispatcher.send_robust(Signal::Completed, &paid, &SENDER).now_or_never().expect("no receiver is pending");
    assert!(matches!(failed[0].result(), Err(Failure::Panic(message)) if message == "no paper"), "{failed:?}");
    assert_eq!(recorder.noted(), [format!("{:?}", thread::current().id())]);
}

#[tokio::test]
async fn a_connected_closure_and_its_future_may_block() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let here = thread::current().id();
    let (plain, later) = (recorder.clone(), recorder.clone());
    let is_elsewhere = move || thread::current().id() != here;
    let blocking = |id: &str| ReceiverOptions::new(id).blocking();
    dispatcher.connect(blocking("plain"), [Signal::Completed], move |_| plain.note(is_elsewhere())).unwrap();
    let future = move |_: &Context<'_>| {
        let later = later.clone();
        async move {
            tokio::task::yield_now().await;
            later.note(is_elsewhere());
        }
    };
    dispatcher.connect(blocking("later").order(1), [Signal::Completed], future).unwrap();
    assert!(dispatcher.receivers().iter().all(athm_core::dispatch::ReceiverInfo::is_blocking));
    let failed = dispatcher.send_robust(Signal::Completed, &payment(1, Status::Completed).build(), &SENDER).await;
    assert!(failed.is_empty());
    assert_eq!(recorder.noted(), ["true", "true"]);
}

/// Never ends.
struct Stuck(TextRecorder);

impl Receive for Stuck {
    async fn receive(&self, context: &Context<'_>) -> Result<(), BoxError> {
        let delivery = Delivery::from_context(context)?;
        self.0.note(format!("{} {}", delivery.attempt(), delivery.is_last_attempt()));
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_receiver_object_on_the_builder_is_delivered_durably_with_its_options() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let options = ReceiverOptions::new("stuck").attempts(2).timeout(Duration::from_millis(1500));
    let builder = trusting_builder(&database, Dispatcher::empty()).clock(clock.clone());
    let athm = builder.connect_receiver(options, [Signal::Completed], Stuck(recorder.clone())).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), SENDER).await.unwrap();
    recorder.wait_for(1).await;
    eventually(async || {
        clock.advance(Duration::from_secs(5));
        !athm.deliveries().dead().await.unwrap().is_empty()
    })
    .await;
    let dead = athm.deliveries().dead().await.unwrap();
    assert_eq!((dead.len(), dead[0].error.as_deref()), (1, Some("it took longer than 1.5s")));
    assert_eq!(recorder.noted(), ["1 false", "2 true"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn deliveries_of_a_disconnected_receiver_run_on_the_next_one_with_its_id() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let builder = trusting_builder(&database, Dispatcher::empty()).connect("print", [Signal::Completed], |_| ());
    let athm = builder.start().await.unwrap();
    assert!(athm.disconnect("print"));
    athm.record(payment(1, Status::Completed).build(), SENDER).await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), [""; 0]);
    let noting = recorder.clone();
    athm.connect_local("print", [Signal::Completed], move |_| noting.note("printed")).unwrap();
    eventually(async || recorder.noted() == ["printed"]).await;
    athm.shutdown(Duration::ZERO).await;
}
