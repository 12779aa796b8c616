//! What is recorded, once, and what is found again.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::errors::{RecordError, StoreError};
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::transactions::{Recorded, TransactionQuery, Transition};
use athm_core::{
    Amount, Athm, Item, Message, MessageResult, Rejection, Sender, Signal, Status, Transaction, TransactionKind,
};
use athm_tests::{TextRecorder, ecommerce_id, payment, trusting_builder};
use futures_util::future::join_all;
use rust_decimal::Decimal;

use crate::Database;

const KIOSK: Sender = Sender::from_static("kiosk");

async fn record(athm: &Athm, transaction: Transaction) -> Recorded {
    athm.record(transaction, KIOSK).await.unwrap()
}

async fn count(athm: &Athm) -> usize {
    athm.transactions(TransactionQuery::new().limit(1000)).await.unwrap().transactions().len()
}

#[tokio::test]
async fn a_payment_is_found_by_each_of_its_ids_with_its_items() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let mug = Item::new("Mug", Amount::from_cents(1250)).quantity(2).tax(Amount::from_cents(144)).sku("M-1");
    let completed = payment(1, Status::Completed)
        .reference_number("12-ab".parse().unwrap())
        .fee(Amount::from_cents(60))
        .date("2024-11-05T13:41:27Z".parse().unwrap())
        .item(mug)
        .build();
    let recorded = record(&athm, completed.clone()).await;

    let found = athm.transaction(recorded.transaction().id()).await.unwrap().unwrap();
    assert_eq!(found.items(), completed.items());
    assert_eq!((found.total(), found.fee(), found.date()), (completed.total(), completed.fee(), completed.date()));
    assert_eq!(found.status(), &Status::Completed);
    assert_eq!(athm.transaction_by_ecommerce_id(&ecommerce_id(1)).await.unwrap(), Some(found.clone()));
    assert_eq!(athm.transaction_by_reference(&"12-ab".parse().unwrap()).await.unwrap(), Some(found.clone()));
    assert_eq!(athm.transaction_by_ecommerce_id(&ecommerce_id(2)).await.unwrap(), None);

    let events = athm.events(found.id()).await.unwrap();
    assert_eq!(events, recorded.events());
    assert_eq!((events.len(), events[0].transition(), events[0].sender()), (1, &Transition::Completed, &KIOSK));
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn the_same_payment_recorded_twice_fires_once() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    for _ in 0..3 {
        record(&athm, payment(1, Status::Completed).build()).await;
    }
    athm.idle().await;
    assert_eq!(recorder.noted(), ["received by kiosk", "completed by kiosk"]);
    assert_eq!(count(&athm).await, 1);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_2_sixty_four_at_once_record_and_fire_once() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    let news = (0..64).map(|_| {
        let athm = athm.clone();
        tokio::spawn(async move { record(&athm, payment(1, Status::Completed).build()).await.events().len() })
    });
    let fired: usize = join_all(news).await.into_iter().map(Result::unwrap).sum();
    athm.idle().await;
    assert_eq!(fired, 1);
    assert_eq!(recorder.noted(), ["received by kiosk", "completed by kiosk"]);
    assert_eq!(count(&athm).await, 1);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_paid_order_stays_paid_when_a_late_cancel_arrives() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    record(&athm, payment(1, Status::Completed).build()).await;
    let late = record(&athm, payment(1, Status::Cancelled).build()).await;
    assert_eq!((late.transaction().status(), late.events().len()), (&Status::Completed, 0));
    athm.idle().await;
    assert_eq!(recorder.noted().len(), 2);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_payment_without_any_id_is_refused() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let nameless = Transaction::builder(Status::Completed, Amount::from_cents(100)).build();
    assert!(matches!(athm.record(nameless, KIOSK).await, Err(RecordError::Unidentified)));
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn two_rows_that_turn_out_to_be_one_payment_become_one_and_fire_nothing_again() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    let total = Amount::from_cents(2500);
    let open = record(&athm, payment(1, Status::Open).build()).await;
    let by_reference = Transaction::builder(Status::Completed, total).reference_number("12-ab".parse().unwrap());
    let by_reference = record(&athm, by_reference.item(Item::new("Mug", total)).build()).await;
    assert_eq!(count(&athm).await, 2);

    let both = payment(1, Status::Completed).reference_number("12-ab".parse().unwrap()).build();
    let merged = record(&athm, both).await;

    assert!(merged.events().is_empty());
    assert_eq!(merged.transaction().id(), open.transaction().id());
    assert_eq!(count(&athm).await, 1);
    let found = athm.transaction_by_reference(&"12-ab".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((found.id(), found.status(), found.items().len()), (open.transaction().id(), &Status::Completed, 1));
    let events = athm.events(found.id()).await.unwrap();
    assert_eq!(events.iter().map(|event| event.id()).collect::<Vec<_>>(), [by_reference.events()[0].id()]);
    athm.idle().await;
    assert_eq!(recorder.noted(), ["received by kiosk", "completed by kiosk"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_payment_recorded_by_reference_gets_its_ecommerce_id_later() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let total = Amount::from_cents(2500);
    let first = Transaction::builder(Status::Completed, total).reference_number("12-ab".parse().unwrap()).build();
    let first = record(&athm, first).await;
    let both = payment(1, Status::Completed).reference_number(" 12-ab ".parse().unwrap()).build();
    let second = record(&athm, both).await;
    assert_eq!(second.transaction().id(), first.transaction().id());
    assert_eq!((second.transaction().ecommerce_id(), second.events().len()), (Some(&ecommerce_id(1)), 0));
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_payment_with_a_negative_total_fires_nothing_and_is_marked() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    for kind in [TransactionKind::Ecommerce, TransactionKind::Payment, TransactionKind::Donation] {
        let reference = format!("12-{kind}").parse().unwrap();
        let seen = Transaction::builder(Status::Completed, Amount::from_cents(-2500)).kind(kind);
        let seen = seen.reference_number(reference);
        let recorded = record(&athm, seen.build()).await;
        assert_eq!(recorded.transaction().problem(), Some("its total is negative"));
        assert!(recorded.events().iter().all(|event| event.rejection() == Some("its total is negative")));
    }
    athm.idle().await;
    assert!(recorder.noted().is_empty());
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn what_is_sold_by_weight_is_kept_to_the_last_gram() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let cheese = Item::new("Cheese", Amount::from_cents(1200)).quantity("0.735".parse::<Decimal>().unwrap());
    let recorded = record(&athm, payment(1, Status::Completed).item(cheese.clone()).build()).await;
    let read = athm.transaction(recorded.transaction().id()).await.unwrap().unwrap();
    assert_eq!(read.items(), [cheese]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn payments_are_listed_newest_first_by_status_and_date_in_pages() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = trusting_builder(&database, Dispatcher::empty()).clock(clock.clone()).start().await.unwrap();
    let start = clock.now();
    for n in 0..25 {
        let status = if n % 2 == 0 { "COMPLETED" } else { "CANCEL" };
        let body = format!(
            r#"{{"ecommerceId":"{}","status":"{status}","total":"25.00","metadata1":"order-{n}"}}"#,
            ecommerce_id(n)
        );
        let callback = Message::parse("application/json", body.as_bytes()).unwrap();
        athm.receive(callback, Sender::CALLBACK, body.into_bytes()).await.unwrap();
        clock.advance(Duration::from_secs(60));
    }
    let mut query = TransactionQuery::new().status(Status::Completed).limit(5);
    let mut orders = Vec::new();
    let mut pages = 0;
    loop {
        let page = athm.transactions(query.clone()).await.unwrap();
        pages += 1;
        orders.extend(page.transactions().iter().map(|transaction| transaction.metadata_1().to_owned()));
        let Some(next) = page.next() else { break };
        query = query.after(next);
    }
    let expected: Vec<_> = (0..25).rev().filter(|n| n % 2 == 0).map(|n| format!("order-{n}")).collect();
    assert_eq!((orders, pages), (expected, 3));

    let (since, until) = (start + Duration::from_secs(10 * 60), start + Duration::from_secs(13 * 60));
    let page = athm.transactions(TransactionQuery::new().since(since).until(until)).await.unwrap();
    let orders: Vec<_> = page.transactions().iter().map(Transaction::metadata_1).collect();
    assert_eq!((orders, page.next()), (vec!["order-12", "order-11", "order-10"], None));
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn the_answer_does_not_wait_for_receivers_and_idle_does() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let (finish, finished) = mpsc::channel::<()>();
    let (notes, finished) = (recorder.clone(), std::sync::Mutex::new(finished));
    let dispatcher = Dispatcher::empty();
    dispatcher
        .connect("slow", [Signal::Completed], move |_| {
            finished.lock().unwrap().recv().unwrap();
            notes.note("slow");
        })
        .unwrap();
    let athm = trusting_builder(&database, dispatcher).start().await.unwrap();
    record(&athm, payment(1, Status::Completed).build()).await;
    assert!(recorder.noted().is_empty());
    finish.send(()).unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["slow"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn unfinished_deliveries_run_at_the_next_start_and_finished_ones_do_not() {
    // A clock that stands still: what has failed isn't due again.
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let dispatcher = Dispatcher::empty();
    let (stuck, never) = mpsc::channel::<()>();
    let (never, entered) = (std::sync::Mutex::new(never), Arc::new(tokio::sync::Notify::new()));
    let entering = Arc::clone(&entered);
    let first = recorder.clone();
    dispatcher.connect("done", [Signal::Received], move |_| first.note("done, first run")).unwrap();
    dispatcher
        .connect("failing", [Signal::Received], |_| Err::<(), _>("it failed, and is not run again by a restart"))
        .unwrap();
    dispatcher
        .connect("stuck", [Signal::Completed], move |_| {
            entering.notify_one();
            let _ = never.lock().unwrap().recv();
        })
        .unwrap();
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    record(&athm, payment(1, Status::Completed).build()).await;
    entered.notified().await;
    athm.shutdown(Duration::ZERO).await;

    let dispatcher = Dispatcher::empty();
    for id in ["done", "stuck", "failing"] {
        let again = recorder.clone();
        dispatcher.connect(id, Signal::ALL, move |context| again.note(format!("{id} {}", context.signal()))).unwrap();
    }
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["done, first run", "stuck completed"]);
    athm.shutdown(Duration::ZERO).await;
    drop(stuck);
}

#[tokio::test]
async fn a_rejected_transition_is_recorded_with_its_reason_and_no_receiver_runs() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening())
        .check(|transaction| match transaction.metadata_1() {
            "order-1" => Err(Rejection::new("order-1 is closed")),
            "order-2" => panic!("this check has a mistake"),
            _ => Ok(()),
        })
        .start()
        .await
        .unwrap();
    for (n, reason) in [(1, Some("order-1 is closed")), (2, Some("a check panicked")), (3, None)] {
        let recorded = record(&athm, payment(n, Status::Completed).build()).await;
        assert_eq!(recorded.events()[0].rejection(), reason);
        assert_eq!(recorded.transaction().status(), &Status::Completed);
        assert_eq!(athm.events(recorded.transaction().id()).await.unwrap(), recorded.events());
        assert!(record(&athm, payment(n, Status::Completed).build()).await.events().is_empty());
    }
    athm.idle().await;
    assert_eq!(recorder.noted(), ["received by kiosk", "completed by kiosk"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn trusted_messages_are_recorded_as_posted_without_a_customer() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    let receive = async |body: &str| {
        let callback = Message::parse("application/json", body.as_bytes()).unwrap();
        athm.receive(callback, Sender::WEBHOOK, body.as_bytes().to_vec()).await.unwrap()
    };
    let body =
        r#"{"status":"completed","transactionType":"donation","referenceNumber":"77-d","total":"5.00","name":"Ana"}"#;
    assert_eq!(receive(body).await, MessageResult::Recorded);
    assert_eq!(receive(body).await, MessageResult::Known);
    assert_eq!(receive(r#"{"referenceNumber":"78-d","total":"5.00"}"#).await, MessageResult::Known);
    assert_eq!(receive(r#"{"status":"completed","total":"5.00"}"#).await, MessageResult::Known);
    assert_eq!(
        receive(r#"{"status":"completed","referenceNumber":"79","transactionType":"simulated"}"#).await,
        MessageResult::Known
    );
    athm.idle().await;
    assert_eq!(recorder.noted(), ["received by webhook"]);
    let donation = athm.transaction_by_reference(&"77-d".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((donation.kind(), donation.customer()), (&TransactionKind::Donation, None));
    assert!(!donation.is_verified());
    assert_eq!(count(&athm).await, 2);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn an_operation_after_shutdown_is_an_error() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    athm.ping().await.unwrap();
    athm.shutdown(Duration::ZERO).await;
    let refused = athm.record(payment(1, Status::Completed).build(), KIOSK).await;
    assert!(matches!(refused, Err(RecordError::Store(StoreError::Closed))), "{refused:?}");
    assert!(matches!(athm.ping().await, Err(StoreError::Closed)));
}
