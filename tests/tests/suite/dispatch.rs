//! Dispatch, point by point of its definition.

use std::time::Duration;

use athm_core::dispatch::{Dispatcher, Failure, ReceiverOptions};
use athm_core::errors::StartError;
use athm_core::{
    Amount, Athm, Context, FromContext, Refund, Rejection, Sender, Signal, State, Status, Transaction, TransactionKind,
    UnexpectedTotal, receiver,
};
use athm_tests::{SqliteDatabase, TextRecorder, trusting_builder};
use tokio::sync::Barrier;

use crate::log::Log;

fn transaction(status: Status) -> Transaction {
    Transaction::builder(status, Amount::from_cents(2500)).metadata_1("order-7").build()
}

/// A dispatcher of this file's receivers; each test's own ones listen to that test's sender alone.
fn linked(recorder: &TextRecorder) -> Dispatcher {
    athm_tests::linked_dispatcher("6.").state(recorder.clone())
}

#[receiver(received, completed, id = "6.1-both", sender = "6.1")]
fn both(signal: Signal, State(recorder): State<TextRecorder>) {
    recorder.note(format!("both {signal}"));
}

#[receiver(received, id = "6.1-slow", sender = "6.1")]
async fn slow(State(recorder): State<TextRecorder>) {
    tokio::task::yield_now().await;
    recorder.note("slow received");
}

#[receiver(completed, id = "6.1-early", sender = "6.1", order = -1)]
fn early(State(recorder): State<TextRecorder>) {
    recorder.note("early completed");
}

#[tokio::test]
async fn point_1_a_receiver_runs_once_for_each_signal_that_it_names_and_received_ends_before_the_next_begins() {
    let recorder = TextRecorder::new();
    let report = linked(&recorder).dispatch(&transaction(Status::Completed), Sender::new("6.1")).await;
    assert!(report.is_ok());
    assert_eq!(recorder.noted(), ["both received", "slow received", "early completed", "both completed"]);
}

#[tokio::test]
async fn point_1_the_signals_of_each_state() {
    for (status, kind, signals) in [
        (Status::Completed, TransactionKind::Ecommerce, &["received", "completed"][..]),
        (Status::Completed, TransactionKind::Payment, &["received"]),
        (Status::Completed, TransactionKind::Donation, &["received"]),
        (Status::Cancelled, TransactionKind::Ecommerce, &["received", "cancelled"]),
        (Status::Expired, TransactionKind::Ecommerce, &["received", "expired"]),
        (Status::Unknown("ON_HOLD".into()), TransactionKind::Ecommerce, &["received"]),
        (Status::Open, TransactionKind::Ecommerce, &[]),
        (Status::Confirmed, TransactionKind::Ecommerce, &[]),
    ] {
        let recorder = TextRecorder::new();
        let dispatcher = Dispatcher::empty();
        let notes = recorder.clone();
        dispatcher.connect("all", Signal::ALL, move |context| notes.note(context.signal())).unwrap();
        let transaction = Transaction::builder(status, Amount::from_cents(100)).kind(kind).build();
        let report = dispatcher.dispatch(&transaction, Sender::CALLBACK).await;
        assert_eq!(
            (recorder.noted().as_slice(), report.entries().len()),
            (&signals.iter().map(ToString::to_string).collect::<Vec<_>>()[..], signals.len())
        );
    }
}

mod order {
    use super::*;

    #[receiver(completed, id = "6.2-z-first-of-its-line", sender = "6.2")]
    fn z(State(recorder): State<TextRecorder>) {
        recorder.note("z");
    }

    #[receiver(completed, id = "6.2-last", sender = "6.2", order = 2_147_483_647)]
    fn last(State(recorder): State<TextRecorder>) {
        recorder.note("last");
    }

    #[receiver(completed, id = "6.2-a-second", sender = "6.2")]
    async fn a(State(recorder): State<TextRecorder>) {
        recorder.note("a starts");
        tokio::task::yield_now().await;
        recorder.note("a ends");
    }

    #[receiver(completed, id = "6.2-m-third", sender = "6.2", order = 0)]
    fn m(State(recorder): State<TextRecorder>) {
        recorder.note("m");
    }

    #[receiver(completed, id = "6.2-before", sender = "6.2", order = -5)]
    fn before(State(recorder): State<TextRecorder>) {
        recorder.note("before");
    }
}

#[tokio::test]
async fn point_2_order_then_place_in_the_source_then_those_connected_at_run_time() {
    let recorder = TextRecorder::new();
    let dispatcher = linked(&recorder);
    for name in ["connected first", "connected second"] {
        let notes = recorder.clone();
        dispatcher.connect(name, [Signal::Completed], move |_| notes.note(name)).unwrap();
    }
    let report = dispatcher.dispatch(&transaction(Status::Completed), Sender::new("6.2")).await;
    let expected = ["before", "z", "a starts", "m", "connected first", "connected second", "a ends", "last"];
    assert_eq!(recorder.noted(), expected);
    let reported: Vec<_> = report.entries().iter().map(|entry| entry.receiver().to_owned()).collect();
    let ids = [
        "6.2-before",
        "6.2-z-first-of-its-line",
        "6.2-a-second",
        "6.2-m-third",
        "connected first",
        "connected second",
        "6.2-last",
    ];
    assert_eq!(reported, ids);
}

#[receiver(completed, id = "6.3-errs", sender = "6.3")]
fn errs(transaction: &Transaction) -> Result<(), UnexpectedTotal> {
    transaction.expect_total(Amount::from_cents(1))
}

#[receiver(completed, id = "6.3-panics", sender = "6.3")]
fn panics() {
    panic!("no {} left", "mugs");
}

#[receiver(completed, id = "6.3-panics-later", sender = "6.3")]
async fn panics_later() {
    tokio::task::yield_now().await;
    panic!("no mugs left");
}

#[receiver(completed, id = "6.3-survives", sender = "6.3")]
fn survives(State(recorder): State<TextRecorder>) {
    recorder.note("survived");
}

#[tokio::test]
async fn point_3_an_error_or_a_panic_stops_no_other_receiver_and_is_reported_and_logged_once() {
    let (recorder, log) = (TextRecorder::new(), Log::default());
    let _logging = log.listen();
    let transaction = transaction(Status::Completed);
    let report = linked(&recorder).dispatch(&transaction, Sender::new("6.3")).await;

    assert_eq!(recorder.noted(), ["survived"]);
    let results: Vec<_> = report.entries().iter().map(|entry| entry.result().map_err(ToString::to_string)).collect();
    assert_eq!(
        results,
        [
            Err("expected a total of 0.01, but 25.00 was paid".to_owned()),
            Err("it panicked: no mugs left".to_owned()),
            Err("it panicked: no mugs left".to_owned()),
            Ok(()),
        ]
    );
    assert_eq!(report.failures().count(), 3);
    let log = log.text();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(lines.len(), 3, "{log}");
    for (line, id) in lines.iter().zip(["6.3-errs", "6.3-panics", "6.3-panics-later"]) {
        assert!(
            line.contains(id) && line.contains("completed") && line.contains(&transaction.id().to_string()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn point_3_without_receivers_the_report_is_empty_and_no_error() {
    let report = Dispatcher::empty().dispatch(&transaction(Status::Completed), Sender::CALLBACK).await;
    assert!(report.is_empty() && report.is_ok());
}

#[receiver(completed, id = "6.4-left", sender = "6.4")]
async fn left(State(meeting): State<Barrier>) {
    meeting.wait().await;
}

#[receiver(completed, id = "6.4-right", sender = "6.4")]
async fn right(State(meeting): State<Barrier>) {
    meeting.wait().await;
}

#[receiver(completed, id = "6.4-inline", sender = "6.4")]
fn inline(State(recorder): State<TextRecorder>) {
    recorder.note(format!("{:?}", std::thread::current().id()));
}

#[tokio::test]
async fn point_4_async_receivers_run_concurrently_and_sync_ones_inline() {
    let recorder = TextRecorder::new();
    let dispatcher = linked(&recorder).state(Barrier::new(2));
    let transaction = transaction(Status::Completed);
    let dispatched = dispatcher.dispatch(&transaction, Sender::new("6.4"));
    let report = tokio::time::timeout(Duration::from_secs(20), dispatched).await.expect("the two meet");
    assert!(report.is_ok());
    assert_eq!(recorder.noted(), [format!("{:?}", std::thread::current().id())]);
}

#[receiver(completed, id = "6.6-filtered", sender = "6.6")]
fn filtered(State(recorder): State<TextRecorder>, sender: &Sender) {
    recorder.note(format!("filtered {sender}"));
}

#[tokio::test]
async fn point_6_a_sender_is_compared_by_value_and_filtered_and_unfiltered_receivers_both_run() {
    let recorder = TextRecorder::new();
    let dispatcher = linked(&recorder);
    let notes = recorder.clone();
    dispatcher
        .connect("unfiltered", [Signal::Completed], move |context| {
            notes.note(format!("unfiltered {}", context.sender()))
        })
        .unwrap();
    for name in [String::from("6.6"), String::from("6.") + "6", String::from("another")] {
        let _ = dispatcher.dispatch(&transaction(Status::Completed), Sender::new(name)).await;
    }
    let noted = recorder.noted();
    assert_eq!(noted, ["filtered 6.6", "unfiltered 6.6", "filtered 6.6", "unfiltered 6.6", "unfiltered another"]);
}

#[test]
fn point_7_linked_receivers_are_listed_and_an_empty_dispatcher_has_none() {
    let line = line!() - 1;
    let linked = Dispatcher::linked();
    assert!(Signal::ALL.iter().all(|signal| !Dispatcher::empty().has_receivers(*signal)));
    assert!(Dispatcher::empty().receivers().is_empty());
    assert!(linked.has_receivers(Signal::Completed) && linked.has_receivers(Signal::Received));
    let receivers = linked.receivers();
    let early = receivers.iter().find(|receiver| receiver.id() == "6.1-early").unwrap();
    assert_eq!((early.signals(), early.order()), (&[Signal::Completed][..], -1));
    assert_eq!(early.senders(), [Sender::new("6.1")]);
    assert!(early.file().unwrap().ends_with("dispatch.rs") && early.line().unwrap() < line);
    let named = receivers.iter().find(|receiver| receiver.id().ends_with("::named_by_its_place")).unwrap();
    assert_eq!(named.id(), concat!(module_path!(), "::named_by_its_place"));
    assert!(linked.disconnect("6.1-early") && !linked.disconnect("6.1-early"));
    assert!(Dispatcher::linked().receivers().iter().any(|receiver| receiver.id() == "6.1-early"));
}

#[receiver(refunded, sender = "unused")]
fn named_by_its_place() {}

struct OrderNumber(u32);

impl FromContext<'_> for OrderNumber {
    fn from_context(context: &Context<'_>) -> Result<Self, Rejection> {
        let number = context.transaction().metadata_1().strip_prefix("order-").and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| Rejection::new("it names no order"))
    }
}

#[receiver(completed, id = "6.own-parameter", sender = "own parameter")]
fn own_parameter(OrderNumber(number): OrderNumber, State(recorder): State<TextRecorder>) {
    recorder.note(number);
}

#[tokio::test]
async fn a_custom_parameter_is_extracted_or_rejected_by_name() {
    let recorder = TextRecorder::new();
    let dispatcher = linked(&recorder);
    let sender = || Sender::new("own parameter");
    assert!(dispatcher.dispatch(&transaction(Status::Completed), sender()).await.is_ok());
    let nameless = Transaction::builder(Status::Completed, Amount::from_cents(100)).build();
    let report = dispatcher.dispatch(&nameless, sender()).await;
    assert_eq!(recorder.noted(), ["7"]);
    let failure = report.entries()[0].result().unwrap_err();
    let (message, source) = (failure.to_string(), std::error::Error::source(failure).unwrap().to_string());
    assert!(message.contains("6.own-parameter") && message.contains("OrderNumber"), "{message}");
    assert_eq!(source, "it names no order");
}

#[tokio::test]
async fn point_9_all_missing_states_and_equal_ids_are_refused_at_once_by_name_and_place() {
    let database = SqliteDatabase::new();
    let error =
        Athm::builder().database_url(database.url()).trust_callbacks().start().await.expect_err("no state was given");
    let StartError::Receivers { problems } = &error else { panic!("{error:?}") };
    assert!(problems.iter().any(|problem| problem.contains("6.4-left") && problem.contains("Barrier")), "{error}");
    assert!(problems.iter().any(|problem| problem.contains("6.2-last") && problem.contains("TextRecorder")), "{error}");
    let places = problems.iter().filter(|problem| problem.contains("tests/suite/")).count();
    assert_eq!(places, problems.len(), "{error}");

    let recorder = TextRecorder::new();
    let builder = trusting_builder(&database, linked(&recorder).state(Barrier::new(2))).connect(
        "6.2-last",
        [Signal::Expired],
        |_| (),
    );
    let error = builder.start().await.expect_err("an id is taken");
    let StartError::Receivers { problems } = &error else { panic!("{error:?}") };
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("6.2-last") && problems[0].contains("dispatch.rs:"), "{error}");
}

#[receiver(refunded, id = "refund-by-hand", sender = "refund by hand")]
fn give_back(refund: &Refund) {
    panic!("{} out of nowhere", refund.amount);
}

#[tokio::test]
async fn a_hand_dispatch_has_no_refund_and_the_error_names_the_alternative() {
    let (dispatcher, sender) = (athm_tests::linked_dispatcher("refund-by-hand"), Sender::new("refund by hand"));
    let failed = dispatcher.send_robust(Signal::Refunded, &transaction(Status::Completed), &sender).await;
    let failure = failed[0].result().unwrap_err();
    assert!(failure.to_string().contains("parameter `refund`"), "{failure}");
    let cause = std::error::Error::source(failure).unwrap().to_string();
    assert!(cause.contains("knows no refund") && cause.contains("`Athm::record`"), "{cause}");
}

#[receiver(completed, id = "several.completed", sender = "several")]
#[receiver(expired, id = "several.expired", sender = "several", blocking)]
fn several(signal: Signal, State(recorder): State<TextRecorder>) {
    recorder.note(format!("{signal} {:?}", std::thread::current().id()));
}

#[tokio::test]
async fn each_attribute_of_a_function_is_a_receiver_with_its_own_options() {
    let (recorder, here) = (TextRecorder::new(), std::thread::current().id());
    let dispatcher = athm_tests::linked_dispatcher("several.").state(recorder.clone());
    for (status, id) in [(Status::Completed, "several.completed"), (Status::Expired, "several.expired")] {
        let report = dispatcher.dispatch(&transaction(status), Sender::new("several")).await;
        let ran: Vec<_> = report.entries().iter().map(|entry| entry.receiver()).collect();
        assert!(report.is_ok() && ran == [id], "{report:?}");
    }
    let noted = recorder.noted();
    assert_eq!(noted[0], format!("completed {here:?}"));
    assert!(noted[1].starts_with("expired") && noted[1] != format!("expired {here:?}"), "{noted:?}");
}

#[tokio::test]
async fn linked_receivers_run_durably_too() {
    let (database, recorder) = (SqliteDatabase::new(), TextRecorder::new());
    let athm = trusting_builder(&database, linked(&recorder)).state(Barrier::new(2)).start().await.unwrap();
    let paid = athm_tests::payment(7, Status::Completed).build();
    athm.record(paid, Sender::new("6.1")).await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["both received", "slow received", "early completed", "both completed"]);
    athm.shutdown(Duration::ZERO).await;
}

/// Panics when it is dropped.
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test]
async fn point_3_a_future_that_panics_in_its_drop_fails_alone_in_a_dispatch_by_hand() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let ends = |_: &Context<'_>| async {
        let _value = PanicsInDrop;
        tokio::task::yield_now().await;
    };
    dispatcher.connect("ends", [Signal::Completed], ends).unwrap();
    let waits = |_: &Context<'_>| async {
        let _value = PanicsInDrop;
        std::future::pending::<()>().await;
    };
    dispatcher.connect(ReceiverOptions::new("waits").order(1), [Signal::Completed], waits).unwrap();
    let notes = recorder.clone();
    dispatcher.connect("neighbour", [Signal::Completed], move |_| notes.note("ran")).unwrap();
    let (paid, sender) = (transaction(Status::Completed), Sender::new("by hand"));

    // The second receiver never ends: the dispatch is dropped while it waits.
    let dispatched = dispatcher.send_robust(Signal::Completed, &paid, &sender);
    assert!(tokio::time::timeout(Duration::ZERO, dispatched).await.is_err());
    assert_eq!(recorder.noted(), ["ran"]);

    assert!(dispatcher.disconnect("waits"));
    let failed = dispatcher.send_robust(Signal::Completed, &paid, &sender).await;
    assert!(matches!(failed[0].result(), Err(Failure::Panic(message)) if message == "dropped"), "{failed:?}");
    assert_eq!((failed.len(), recorder.noted().len()), (1, 2));
}
