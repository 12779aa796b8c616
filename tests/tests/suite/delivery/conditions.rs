//! Receivers with an `if`: no delivery is made where it is false.

use std::time::Duration;

use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::{Amount, Signal, State, Status, Transaction, receiver, testing};
use athm_tests::{TextRecorder, linked_dispatcher, payment, trusting_builder};

use super::{DAY, KIOSK};
use crate::Database;

fn is_of_the_shop(transaction: &Transaction) -> bool {
    transaction.metadata_2() == "shop"
}

fn panics(transaction: &Transaction) -> bool {
    assert!(transaction.metadata_2() == "shop", "of another shop");
    true
}

#[receiver(completed, id = "conditions.function", if = is_of_the_shop)]
async fn function(transaction: &Transaction, State(recorder): State<TextRecorder>) {
    std::future::ready(()).await;
    recorder.note(format!("function: {}", transaction.metadata_1()));
}

#[receiver(completed, id = "conditions.closure", if = |payment: &Transaction| payment.total() > Amount::from_cents(2500))]
fn closure(transaction: &Transaction, State(recorder): State<TextRecorder>) {
    recorder.note(format!("closure: {}", transaction.metadata_1()));
}

#[receiver(completed, id = "conditions.panicking", if = panics)]
fn panicking(transaction: &Transaction, State(recorder): State<TextRecorder>) {
    recorder.note(format!("panicking: {}", transaction.metadata_1()));
}

#[receiver(completed, id = "conditions.none", order = 1)]
fn none(transaction: &Transaction, State(recorder): State<TextRecorder>) {
    recorder.note(format!("none: {}", transaction.metadata_1()));
}

fn paid(n: u32, shop: &str) -> Transaction {
    payment(n, Status::Completed).metadata_2(shop).build()
}

fn linked(recorder: &TextRecorder) -> Dispatcher {
    linked_dispatcher("conditions.").state(recorder.clone())
}

#[tokio::test]
async fn no_delivery_is_made_where_the_condition_is_false_or_panics_and_the_commit_stands() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let connected = {
        let notes = recorder.clone();
        move |context: &athm_core::Context<'_>| notes.note(format!("connected: {}", context.transaction().metadata_1()))
    };
    let options = ReceiverOptions::new("connected").order(2).condition(|payment| payment.metadata_1() == "order-2");
    let builder = trusting_builder(&database, linked(&recorder)).connect(options, [Signal::Completed], connected);
    let athm = builder.start().await.unwrap();
    for (n, shop) in [(1, "another"), (2, "shop")] {
        let recorded = athm.record(paid(n, shop), KIOSK).await.unwrap();
        assert_eq!(recorded.events().len(), 1);
        athm.idle().await;
        // Nothing waits, and a receiver that is asked for by name runs all the same.
        assert!(athm.deliveries().orphaned().await.unwrap().is_empty());
    }
    let mut noted = recorder.noted();
    noted.sort();
    let expected = ["connected: order-2", "function: order-2", "none: order-1", "none: order-2", "panicking: order-2"];
    assert_eq!(noted, expected);
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_replay_of_an_event_runs_a_receiver_whose_condition_is_false() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, linked(&recorder)).start().await.unwrap();
    let recorded = athm.record(paid(1, "another"), KIOSK).await.unwrap();
    athm.idle().await;
    let event = recorded.events()[0].id();
    athm.deliveries().replay_event(event, "conditions.function").run().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["none: order-1", "function: order-1"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_dispatch_by_hand_reports_only_the_receivers_whose_condition_holds() {
    let recorder = TextRecorder::new();
    let dispatcher = linked(&recorder);
    let report = dispatcher.dispatch(&paid(1, "another"), KIOSK).await;
    let ran: Vec<_> = report.entries().iter().map(|entry| entry.receiver().to_owned()).collect();
    assert_eq!(ran, ["conditions.none"]);
    let report = dispatcher.dispatch(&paid(2, "shop"), KIOSK).await;
    assert_eq!((report.entries().len(), report.is_ok()), (3, true));
    let failed = dispatcher.send_robust(Signal::Completed, &paid(3, "another"), &KIOSK).await;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(recorder.noted().len(), 5);
}

#[tokio::test]
#[should_panic(expected = "doesn't run for this payment")]
async fn a_receiver_alone_is_not_called_with_a_payment_that_its_condition_refuses() {
    let another = Transaction::sample().completed().metadata_2("another").build();
    let _ = testing::call("conditions.function", &another).state(TextRecorder::new()).await;
}
