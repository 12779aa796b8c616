//! Receivers that come and go at run time, and what all of them see of their caller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use athm_core::dispatch::{Connection, Dispatcher, Receive, ReceiverOptions};
use athm_core::testing::ReportExt as _;
use athm_core::{Amount, BoxError, Context, Sender, Signal, State, Status, Transaction, receiver};
use athm_tests::{TextRecorder, payment, trusting_builder};
use futures_util::FutureExt;
use tracing::span::Id;
use tracing::{Instrument, Subscriber};
use tracing_subscriber::layer::{self, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::Database;

fn paid() -> Transaction {
    Transaction::builder(Status::Completed, Amount::from_cents(2500)).build()
}

async fn send(dispatcher: &Dispatcher) {
    assert!(dispatcher.dispatch(&paid(), Sender::CALLBACK).await.is_ok());
}

#[tokio::test]
async fn point_5_a_taken_id_is_refused_and_the_first_receiver_stays() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let (first, second) = (recorder.clone(), recorder.clone());
    dispatcher.connect("stock", [Signal::Completed], move |_| first.note("first")).unwrap();
    let refused = dispatcher.connect("stock", [Signal::Received], move |_| second.note("second")).unwrap_err();
    assert_eq!(refused.id(), "stock");
    assert!(refused.to_string().contains("\"stock\" is connected already"), "{refused}");
    send(&dispatcher).await;
    assert_eq!(recorder.noted(), ["first"]);
}

#[receiver(completed, id = "6.5-linked", sender = "callback")]
fn linked(State(recorder): State<TextRecorder>) {
    recorder.note("linked");
}

#[tokio::test]
async fn point_5_linked_receivers_are_disconnected_by_id_too_and_their_id_is_free_then() {
    let recorder = TextRecorder::new();
    let dispatcher = athm_tests::linked_dispatcher("6.5-linked").state(recorder.clone());
    assert!(dispatcher.connect("6.5-linked", [Signal::Completed], |_| ()).is_err());
    send(&dispatcher).await;
    assert!(dispatcher.disconnect("6.5-linked"));
    assert!(!dispatcher.disconnect("6.5-linked"));
    assert!(!dispatcher.has_receivers(Signal::Completed));
    let notes = recorder.clone();
    dispatcher.connect("6.5-linked", [Signal::Completed], move |_| notes.note("another")).unwrap();
    send(&dispatcher).await;
    assert_eq!(recorder.noted(), ["linked", "another"]);
}

#[tokio::test]
async fn point_5_a_receiver_that_disconnects_itself_still_ends_and_runs_once() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let (itself, notes) = (Arc::new(OnceLock::<Connection>::new()), recorder.clone());
    let mine = Arc::clone(&itself);
    let connection = dispatcher
        .connect("once", [Signal::Completed], move |_| {
            let was_there = mine.get().unwrap().disconnect();
            notes.note(format!("disconnected: {was_there}"));
        })
        .unwrap();
    itself.set(connection).unwrap();
    send(&dispatcher).await;
    send(&dispatcher).await;
    assert_eq!(recorder.noted(), ["disconnected: true"]);
}

#[tokio::test]
async fn point_5_a_dispatch_runs_the_receivers_connected_when_it_started() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let (inside, notes) = (dispatcher.clone(), recorder.clone());
    dispatcher
        .connect("changes everything", [Signal::Received], move |_| {
            let late = notes.clone();
            inside.connect("late", [Signal::Completed], move |_| late.note("late")).unwrap();
            assert!(inside.disconnect("early") && inside.disconnect("changes everything"));
        })
        .unwrap();
    let early = recorder.clone();
    dispatcher.connect("early", [Signal::Completed], move |_| early.note("early")).unwrap();
    send(&dispatcher).await;
    assert_eq!(recorder.noted(), ["early"]);
    send(&dispatcher).await;
    assert_eq!(recorder.noted(), ["early", "late"]);
}

#[tokio::test]
async fn point_5_receivers_may_dispatch_again() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let (inside, notes) = (dispatcher.clone(), recorder.clone());
    dispatcher
        .connect("gives back", [Signal::Completed], move |context| {
            let (inside, notes, transaction) = (inside.clone(), notes.clone(), context.transaction().clone());
            async move {
                notes.note("completed begins");
                let failed = inside.send_robust(Signal::Refunded, &transaction, &Sender::CALLBACK).await;
                notes.note(format!("completed ends, {} failed", failed.len()));
            }
        })
        .unwrap();
    let notes = recorder.clone();
    dispatcher.connect("refunds", [Signal::Refunded], move |_| notes.note("refunded")).unwrap();
    send(&dispatcher).await;
    assert_eq!(recorder.noted(), ["completed begins", "refunded", "completed ends, 0 failed"]);
}

#[test]
fn point_5_a_hundred_threads_connect_and_disconnect_while_others_dispatch() {
    let (dispatcher, ran) = (Dispatcher::empty(), Arc::new(AtomicUsize::new(0)));
    let (steady, paid) = (Arc::clone(&ran), paid());
    dispatcher
        .connect("steady", [Signal::Completed], move |_| {
            steady.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
    let start = Barrier::new(108);
    thread::scope(|scope| {
        for thread in 0..100 {
            let (dispatcher, start) = (&dispatcher, &start);
            scope.spawn(move || {
                start.wait();
                for turn in 0..10 {
                    let id = format!("{thread}-{turn}");
                    let guard = dispatcher.connect(id.as_str(), [Signal::Completed], |_| ()).unwrap();
                    assert!(dispatcher.connect(id.as_str(), [Signal::Completed], |_| ()).is_err());
                    drop(guard.disconnect_on_drop());
                    assert!(!dispatcher.disconnect(&id));
                }
            });
        }
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..100 {
                    let failed = dispatcher.send_robust(Signal::Completed, &paid, &Sender::CALLBACK).now_or_never();
                    assert!(failed.expect("no receiver is pending").is_empty());
                }
            });
        }
    });
    assert_eq!(ran.load(Ordering::Relaxed), 800);
    let ids: Vec<_> = dispatcher.receivers().iter().map(|receiver| receiver.id().to_owned()).collect();
    assert_eq!(ids, ["steady"]);
}

#[tokio::test]
async fn point_5_a_guard_disconnects_its_own_receiver_alone() {
    let dispatcher = Dispatcher::empty();
    let guard = dispatcher.connect("one", [Signal::Completed], |_| ()).unwrap().disconnect_on_drop();
    assert!(dispatcher.disconnect("one"));
    dispatcher.connect("one", [Signal::Completed], |_| ()).unwrap();
    drop(guard);
    assert!(dispatcher.has_receivers(Signal::Completed), "the second `one` is another receiver");
}

struct MerchantFixture {
    name: &'static str,
    recorder: TextRecorder,
}

impl Receive for MerchantFixture {
    async fn receive(&self, context: &Context<'_>) -> Result<(), BoxError> {
        let name = &self.name;
        tokio::task::yield_now().await;
        self.recorder.note(format!("{name}: {}", context.transaction().total()));
        Ok(())
    }
}

#[tokio::test]
async fn point_5_objects_and_filters() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    for name in ["kiosk", "counter"] {
        let (merchant, options) = (MerchantFixture { name, recorder: recorder.clone() }, ReceiverOptions::new(name));
        dispatcher.connect_receiver(options.sender(Sender::new(name)), [Signal::Completed], merchant).unwrap();
    }
    for sender in ["counter", "kiosk", "elsewhere"] {
        assert!(dispatcher.dispatch(&paid(), Sender::new(sender)).await.is_ok());
    }
    assert_eq!(recorder.noted(), ["counter: 25.00", "kiosk: 25.00"]);
}

#[tokio::test]
async fn receivers_on_the_builder_are_durable_and_later_ones_run_only_in_this_process() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let (durable, later) = (recorder.clone(), recorder.clone());
    let athm = trusting_builder(&database, Dispatcher::empty())
        .connect("builder", [Signal::Completed], move |_| durable.note("builder"))
        .start()
        .await
        .unwrap();
    athm.connect_local("later", [Signal::Completed], move |_| later.note("later")).unwrap();
    assert!(athm.connect_local("builder", [Signal::Completed], |_| ()).is_err());
    let ids: Vec<_> = athm.receivers().iter().map(|receiver| receiver.id().to_owned()).collect();
    assert_eq!(ids, ["builder", "later"]);

    let recorded = athm.record(payment(1, Status::Completed).build(), Sender::CALLBACK).await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["builder"]);
    athm.dispatch(recorded.transaction(), Sender::CALLBACK).await.assert_ok();
    assert_eq!(recorder.noted(), ["builder", "builder", "later"]);
    assert!(athm.disconnect("later"));
    athm.shutdown(Duration::ZERO).await;
}

tokio::task_local! {
    static CALLER: &'static str;
}

/// The spans that each thread is in, by name: a subscriber that is one thread's own sees the spans that leave it, too.
#[derive(Clone, Default)]
struct Entered(Arc<Mutex<HashMap<ThreadId, Vec<&'static str>>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Entered {
    fn on_enter(&self, span: &Id, context: layer::Context<'_, S>) {
        let name = context.span(span).map_or("?", |span| span.name());
        self.0.lock().unwrap().entry(thread::current().id()).or_default().push(name);
    }

    fn on_exit(&self, _: &Id, _: layer::Context<'_, S>) {
        self.0.lock().unwrap().entry(thread::current().id()).or_default().pop();
    }
}

impl Entered {
    /// The span that this thread is in, and the caller's task-local where it is visible.
    fn seen(&self) -> String {
        let caller = CALLER.try_with(|caller| *caller).unwrap_or("no task");
        let entered = self.0.lock().unwrap();
        let span = entered.get(&thread::current().id()).and_then(|spans| spans.last());
        format!("{caller} in {}", span.unwrap_or(&"no span"))
    }
}

#[receiver(completed, id = "spans.sync", sender = "6.8")]
fn sees(State(recorder): State<TextRecorder>, State(entered): State<Entered>) {
    recorder.note(format!("sync: {}", entered.seen()));
}

#[receiver(completed, id = "spans.async", sender = "6.8", order = 1)]
async fn sees_later(State(recorder): State<TextRecorder>, State(entered): State<Entered>) {
    tokio::task::yield_now().await;
    recorder.note(format!("async: {}", entered.seen()));
}

#[receiver(completed, id = "spans.blocking", sender = "6.8", order = 2, blocking)]
fn sees_elsewhere(State(recorder): State<TextRecorder>, State(entered): State<Entered>) {
    recorder.note(format!("blocking: {}", entered.seen()));
}

#[tokio::test]
async fn point_8_the_callers_span_and_task_locals_are_visible_in_receivers_of_a_dispatch_by_hand() {
    let (recorder, entered) = (TextRecorder::new(), Entered::default());
    let _spans = tracing::subscriber::set_default(tracing_subscriber::registry().with(entered.clone()));
    let dispatcher = athm_tests::linked_dispatcher("spans.").state(recorder.clone()).state(entered);
    let (transaction, span) = (paid(), tracing::info_span!("checkout"));
    let dispatched = dispatcher.dispatch(&transaction, Sender::new("6.8")).instrument(span);
    CALLER.scope("the task", dispatched).await.assert_ok();
    let expected = ["sync: the task in checkout", "async: the task in checkout", "blocking: no task in checkout"];
    assert_eq!(recorder.noted(), expected);
}

/// Notes which span follows from which, by name.
struct Links(TextRecorder);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Links {
    fn on_follows_from(&self, span: &Id, follows: &Id, context: layer::Context<'_, S>) {
        let name = |id| context.span(id).map_or("?", |span| span.name());
        self.0.note(format!("{} follows from {}", name(span), name(follows)));
    }
}

#[tokio::test]
async fn point_8_durable_delivery_opens_its_own_span_linked_to_the_recording_one() {
    let (database, links, recorder, entered) =
        (Database::new(), TextRecorder::new(), TextRecorder::new(), Entered::default());
    let spans = tracing_subscriber::registry().with(Links(links.clone())).with(entered.clone());
    let _spans = tracing::subscriber::set_default(spans);
    let notes = recorder.clone();
    let athm = trusting_builder(&database, Dispatcher::empty())
        .connect("receiver", [Signal::Completed], move |_| notes.note(entered.seen()))
        .runtime(tokio::runtime::Handle::current())
        .start()
        .await
        .unwrap();
    let recording = athm.record(payment(1, Status::Completed).build(), Sender::CALLBACK);
    recording.instrument(tracing::info_span!("checkout")).await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["no task in delivery"]);
    assert_eq!(links.noted(), ["delivery follows from checkout"]);
    athm.shutdown(Duration::ZERO).await;
}
