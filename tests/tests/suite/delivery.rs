//! What is promised of delivery, number by number.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use athm_core::{
    Amount, Athm, BoxError, Builder, Clock, Context, Delivery, DeliveryRecord, DeliveryState, Dispatcher, FromContext,
    Permanent, Refund, Rejection, ReplayError, Sender, Signal, State, Status, receiver,
};
use athm_tests::{TestDatabase, TextRecorder, eventually, linked_dispatcher, payment, trusting_builder};
use jiff::SignedDuration;

use crate::Database;

const KIOSK: Sender = Sender::from_static("kiosk");
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A program on a clock that stands still, with one receiver per id, each of `completed` and all of one behaviour.
async fn program<R: athm_core::IntoOutcome + 'static>(
    database: &Database,
    clock: &Clock,
    ids: &[&'static str],
    behave: impl Fn(&'static str, Delivery) -> R + Clone + Send + Sync + 'static,
) -> Athm {
    start(database, clock, ids, behave, |builder| builder).await
}

async fn start<R: athm_core::IntoOutcome + 'static>(
    database: &Database,
    clock: &Clock,
    ids: &[&'static str],
    behave: impl Fn(&'static str, Delivery) -> R + Clone + Send + Sync + 'static,
    adapt: impl FnOnce(Builder) -> Builder,
) -> Athm {
    let dispatcher = Dispatcher::empty();
    for id in ids {
        let (id, behave) = (*id, behave.clone());
        let receiver = move |context: &Context<'_>| behave(id, Delivery::from_context(context).unwrap());
        dispatcher.connect(id, [Signal::Completed], receiver).unwrap();
    }
    adapt(trusting_builder(database, dispatcher).clock(clock.clone()).seed(7)).start().await.unwrap()
}

async fn complete(athm: &Athm, n: u32) {
    athm.record(payment(n, Status::Completed).build(), KIOSK).await.unwrap();
}

/// Lets time pass until nothing is left to be tried, in steps that no pause outlasts.
async fn exhaust(athm: &Athm, clock: &Clock) {
    for _ in 0..40 {
        clock.advance(DAY);
        athm.idle().await;
    }
}

async fn dead(athm: &Athm) -> Vec<DeliveryRecord> {
    athm.deliveries().dead().await.unwrap()
}

#[test]
fn promise_1_killed_at_random_moments_nothing_acknowledged_is_lost() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_soak")).args(["--kills", "3", "--json"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let counted: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(counted["acknowledged"].as_u64().unwrap() > 0, "{said}");
    for zero in ["lost", "missing_effects", "duplicate_effects"] {
        assert_eq!(counted[zero], 0, "{said}");
    }
}

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
async fn promise_3_ten_attempts_and_then_it_is_dead_and_kept() {
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

/// What a delivery said of itself.
type Said = Arc<Mutex<Vec<(String, Signal, Delivery)>>>;

/// What a receiver waits for that has begun.
type Bell = Arc<tokio::sync::Notify>;

#[receiver(completed, id = "p3.waits", sender = "p3")]
async fn waits(State(bell): State<Bell>) {
    bell.notified().await;
}

#[receiver(completed, id = "p3.fails", sender = "p3")]
fn fails(signal: Signal, delivery: Delivery, State(said): State<Said>) -> Result<(), &'static str> {
    said.lock().unwrap().push(("fails".into(), signal, delivery));
    if delivery.attempt() == 1 { Err("again") } else { Ok(()) }
}

#[tokio::test]
async fn promise_3_a_failed_receiver_is_retried_while_another_one_of_its_event_still_runs() {
    let (database, clock, bell, said) = (Database::new(), Clock::manual(), Bell::default(), Said::default());
    let builder =
        trusting_builder(&database, linked_dispatcher("p3.")).state(Arc::clone(&bell)).state(Arc::clone(&said));
    let athm = builder.clock(clock.clone()).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::new("p3")).await.unwrap();
    let attempts = || said.lock().unwrap().iter().map(|(.., delivery)| delivery.attempt()).collect::<Vec<_>>();
    eventually(async || attempts() == [1]).await;
    let id = said.lock().unwrap()[0].2.idempotency_key();
    let state = async || athm.deliveries().get(id).await.unwrap().map(|delivery| delivery.state);
    eventually(async || state().await == Some(DeliveryState::Due)).await;
    clock.advance(Duration::from_secs(6));
    eventually(async || state().await == Some(DeliveryState::Succeeded)).await;
    assert_eq!(attempts(), [1, 2]);
    bell.notify_one();
    athm.idle().await;
    assert_eq!(attempts(), [1, 2]);
    athm.shutdown(DAY).await;
}

#[receiver(received, completed, id = "p4.first", sender = "p4")]
fn first(signal: Signal, delivery: Delivery, State(said): State<Said>) -> Result<(), &'static str> {
    said.lock().unwrap().push(("first".into(), signal, delivery));
    if delivery.attempt() == 1 { Err("again") } else { Ok(()) }
}

#[receiver(completed, id = "p4.second", sender = "p4")]
fn second(signal: Signal, delivery: Delivery, State(said): State<Said>) {
    said.lock().unwrap().push(("second".into(), signal, delivery));
}

#[tokio::test]
async fn promise_4_the_idempotency_key_is_the_same_on_every_attempt_and_replay_and_no_others() {
    let (database, clock) = (Database::new(), Clock::manual());
    let said = Said::default();
    let linked = linked_dispatcher("p4.");
    let athm = trusting_builder(&database, linked.clone())
        .state(Arc::clone(&said))
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let recorded = athm.record(payment(1, Status::Completed).build(), Sender::new("p4")).await.unwrap();
    athm.idle().await;
    exhaust(&athm, &clock).await;
    let key = said.lock().unwrap()[0].2.idempotency_key();
    athm.deliveries().replay(key).force().run().await.unwrap();
    athm.idle().await;
    exhaust(&athm, &clock).await;

    let said = said.lock().unwrap().clone();
    let mut keys = HashSet::new();
    for (receiver, signal, times) in
        [("first", Signal::Received, 4), ("first", Signal::Completed, 2), ("second", Signal::Completed, 1)]
    {
        let its: Vec<_> =
            said.iter().filter(|(who, what, _)| who == receiver && *what == signal).map(|said| said.2).collect();
        assert_eq!(its.len(), times, "{receiver} {signal}");
        assert!(its.iter().all(|delivery| delivery.idempotency_key() == its[0].idempotency_key()));
        assert!(
            its.iter().all(|delivery| delivery.event_id() == Some(recorded.events()[0].id()) && delivery.is_durable())
        );
        assert!(keys.insert(its[0].idempotency_key()));
        let replays: Vec<_> = its.iter().map(Delivery::is_replay).collect();
        assert_eq!(replays.iter().filter(|is_replay| **is_replay).count(), times.saturating_sub(2));
    }
    athm.shutdown(DAY).await;

    let by_hand =
        linked.state(Said::default()).dispatch(&payment(1, Status::Completed).build(), Sender::new("p4")).await;
    assert_eq!(by_hand.entries().len(), 3);
}

#[tokio::test]
async fn promise_7_another_versions_code_runs_for_no_signal_that_it_does_not_listen_to() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let version = |name: &'static str, signals: &'static [Signal], fails: bool| {
        let (dispatcher, notes) = (Dispatcher::empty(), recorder.clone());
        let note = move |context: &Context<'_>| {
            notes.note(format!("{name}: {}", Signal::from_context(context).unwrap()));
            if fails { Err("not yet") } else { Ok(()) }
        };
        dispatcher.connect("books", signals, note).unwrap();
        trusting_builder(&database, dispatcher).clock(clock.clone()).start()
    };
    let new = version("new", &[Signal::Completed, Signal::Cancelled], true).await.unwrap();
    let cancelled = new.record(payment(1, Status::Cancelled).build(), KIOSK).await.unwrap();
    new.idle().await;
    new.shutdown(Duration::ZERO).await;
    clock.advance(Duration::from_secs(60));

    let old = version("old", &[Signal::Completed], false).await.unwrap();
    complete(&old, 2).await;
    old.idle().await;
    assert_eq!(recorder.noted(), ["new: cancelled", "old: completed"]);
    clock.advance(25 * 60 * Duration::from_secs(60));
    let orphans = old.deliveries().orphaned().await.unwrap();
    assert_eq!((orphans.len(), orphans[0].event_id), (1, cancelled.events()[0].id()));
    let replayed = old.deliveries().replay(orphans[0].id).run().await;
    assert!(matches!(replayed, Err(ReplayError::NotListening { .. })), "{replayed:?}");
    old.shutdown(DAY).await;

    let new = version("new", &[Signal::Completed, Signal::Cancelled], false).await.unwrap();
    new.idle().await;
    assert_eq!(recorder.noted()[2..], ["new: cancelled"]);
    new.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_6_nothing_is_claimed_without_a_slot_and_the_backlog_drains() {
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
async fn promise_6_what_shutdown_has_not_started_gets_its_attempt_back_and_what_runs_does_not() {
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
    // `waits` had been claimed, and never begun; it was the process that let go of it.
    let noted: HashSet<_> = recorder.noted().into_iter().collect();
    assert_eq!(noted, ["runs 2", "waits 1"].map(String::from).into());
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn promise_6_a_receiver_that_kills_the_process_is_not_run_for_ever() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    for process in 1..=12 {
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
        let expected = usize::min(process, 10);
        eventually(async || recorder.noted().len() == expected && (process <= 10 || dead(&athm).await.len() == 1))
            .await;
        athm.shutdown(Duration::ZERO).await;
        drop(stuck);
    }
    assert_eq!(recorder.noted().len(), 10);
    let athm = program(&database, &clock, &["kills"], |_, _| ()).await;
    assert!(dead(&athm).await[0].error.as_deref().unwrap().contains("the process may have died of it"));
    athm.shutdown(DAY).await;
}

#[test]
fn promise_6_a_process_that_aborts_in_a_receiver_dies_of_it_as_often_as_there_are_attempts() {
    let database = Database::new();
    let runs: Vec<_> = (0..5)
        .map(|_| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_aborting_receiver"))
                .arg(database.url())
                .output()
                .unwrap();
            database.end_leases();
            (output.status.success(), String::from_utf8(output.stdout).unwrap())
        })
        .collect();
    assert!(runs[..3].iter().all(|(survived, _)| !survived), "{runs:?}");
    assert!(runs[3..].iter().all(|(survived, said)| *survived && said == "1 dead\n"), "{runs:?}");
}

#[receiver(completed, id = "timeout.async", sender = "timeout")]
async fn never_ends(State(recorder): State<TextRecorder>) {
    recorder.note("begins");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_timeout_drops_an_async_receiver_and_it_is_tried_again() {
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
async fn a_receiver_with_a_timeout_of_its_own_has_no_more_time_than_that() {
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
async fn a_receiver_with_attempts_of_its_own_is_tried_no_more_often_than_that() {
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

#[receiver(refunded, id = "refund.async", sender = "refund")]
async fn give_back(refund: &Refund, State(recorder): State<TextRecorder>) {
    tokio::task::yield_now().await;
    recorder.note(format!("async {} of {}", refund.amount, refund.total_refunded));
}

#[receiver(refunded, id = "refund.blocking", sender = "refund", blocking)]
fn print_credit_note(refund: &Refund, State(recorder): State<TextRecorder>) {
    recorder.note(format!("blocking {} of {}", refund.amount, refund.total_refunded));
}

#[tokio::test]
async fn each_refund_comes_with_what_was_given_back_this_time_and_in_all() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, linked_dispatcher("refund.")).state(recorder.clone()).start().await.unwrap();
    for refunded in [0, 500, 500, 1200] {
        let payment = payment(1, Status::Completed).refunded_amount(Amount::from_cents(refunded)).build();
        athm.record(payment, Sender::new("refund")).await.unwrap();
        athm.idle().await;
    }
    let mut noted = recorder.noted();
    noted.sort();
    let expected = ["async 5.00 of 5.00", "async 7.00 of 12.00", "blocking 5.00 of 5.00", "blocking 7.00 of 12.00"];
    assert_eq!(noted, expected);
    athm.shutdown(DAY).await;
}

/// An error that can't even say what it is.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("unspeakable")
    }
}

impl std::error::Error for Unspeakable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("without a cause")
    }
}

#[tokio::test]
async fn an_error_that_panics_when_it_is_shown_is_a_failure_like_any_other() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["unspeakable"], |_, _| Err(Unspeakable)).await;
    complete(&athm, 1).await;
    exhaust(&athm, &clock).await;
    assert_eq!(dead(&athm).await[0].error.as_deref(), Some("(it panics when it is shown)"));
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

/// Lets a receiver go on, with what it is to return.
struct Gate(Mutex<mpsc::Receiver<Result<(), &'static str>>>);

#[tokio::test]
async fn a_blocking_receiver_past_its_timeout_is_waited_for_and_its_failure_is_a_timeout() {
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
    // Hours pass, in steps in which leases are renewed.
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

#[tokio::test]
async fn promise_7_a_delivery_whose_receiver_is_unknown_waits_is_shown_as_orphaned_and_is_replayed_to_another() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let athm = program(&database, &clock, &["old name"], |_, _| Err::<(), _>("not now")).await;
    complete(&athm, 1).await;
    athm.idle().await;
    athm.shutdown(DAY).await;

    let notes = recorder.clone();
    let athm = program(&database, &clock, &["new name"], move |id, delivery| {
        notes.note(format!("{id} {}", delivery.is_replay()))
    })
    .await;
    assert!(athm.deliveries().orphaned().await.unwrap().is_empty());
    clock.advance(DAY + Duration::from_secs(60));
    athm.idle().await;
    let orphaned = athm.deliveries().orphaned().await.unwrap();
    assert_eq!((orphaned.len(), orphaned[0].receiver.as_str(), orphaned[0].state), (1, "old name", DeliveryState::Due));
    let id = orphaned[0].id;
    assert!(
        matches!(athm.deliveries().replay(id).run().await, Err(ReplayError::UnknownReceiver { receiver }) if receiver == "old name")
    );
    assert!(matches!(athm.deliveries().replay(id).to("no name").run().await, Err(ReplayError::UnknownReceiver { .. })));

    let planned = athm.deliveries().replay(id).to("new name").dry_run().await.unwrap();
    assert_eq!((planned[0].receiver.as_str(), planned[0].attempts, planned[0].id), ("new name", 0, id));
    athm.idle().await;
    assert!(recorder.noted().is_empty());
    athm.deliveries().replay(id).to("new name").run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["new name true"]);
    assert!(athm.deliveries().orphaned().await.unwrap().is_empty());
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_dead_delivery_is_replayed_with_its_attempts_counted_anew_and_a_succeeded_one_only_by_force() {
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
async fn an_event_is_replayed_to_a_receiver_that_is_younger_or_that_a_check_kept_from_it() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let notes = recorder.clone();
    let behave = move |id, delivery: Delivery| notes.note(format!("{id} {}", delivery.is_replay()));
    let closed = |builder: Builder| builder.check(|_| Err(Rejection::new("closed")));
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

#[tokio::test]
async fn promise_8_shutdown_lets_running_receivers_finish() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (finish, finished) = mpsc::channel::<()>();
    let (notes, finished) = (recorder.clone(), Arc::new(Mutex::new(finished)));
    let athm = program(&database, &clock, &["slow"], move |_, _| {
        notes.note("began");
        finished.lock().unwrap().recv().unwrap();
        notes.note("finished");
    })
    .await;
    complete(&athm, 1).await;
    recorder.wait_for(1).await;
    let stopping = tokio::spawn({
        let athm = athm.clone();
        async move { athm.shutdown(DAY).await }
    });
    tokio::task::yield_now().await;
    finish.send(()).unwrap();
    stopping.await.unwrap();
    assert_eq!(recorder.noted(), ["began", "finished"]);

    let notes = recorder.clone();
    let athm = program(&database, &clock, &["slow"], move |_, _| notes.note("again")).await;
    athm.idle().await;
    assert_eq!(recorder.noted(), ["began", "finished"]);
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_clock_that_jumps_runs_nothing_twice_and_holds_nothing_up() {
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

#[tokio::test]
async fn what_has_ended_is_forgotten_after_90_days_and_payments_never() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["fails", "succeeds"], |id, _| {
        if id == "fails" { Err(Permanent::new("broken")) } else { Ok(()) }
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    assert_eq!(dead(&athm).await.len(), 1);
    clock.advance(89 * DAY);
    athm.idle().await;
    assert_eq!(dead(&athm).await.len(), 1);
    eventually(async || {
        clock.advance(DAY);
        dead(&athm).await.is_empty()
    })
    .await;
    let kept = athm.transaction_by_ecommerce_id(&athm_tests::ecommerce_id(1)).await.unwrap().unwrap();
    assert_eq!(athm.events(kept.id()).await.unwrap().len(), 1);
    assert!(athm.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap().events().is_empty());
    athm.shutdown(DAY).await;
}
