//! SQLite's one write lock, which athm's writer shares with transactions of the program's own.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::errors::{RecordError, StoreError};
use athm_core::transactions::TransactionQuery;
use athm_core::{Athm, Message, MessageResult, Sender, Signal, Status};
use athm_tests::{payment, trusting_builder};
use futures_util::future::join_all;
use rusqlite::{Connection, TransactionBehavior};

use crate::Database;

const KIOSK: Sender = Sender::from_static("kiosk");
/// How long the receiver holds the lock.
const HELD: Duration = Duration::from_secs(3);

async fn post(athm: &Athm, n: u32) -> Result<MessageResult, StoreError> {
    let body = format!(r#"{{"status": "completed", "referenceNumber": "held-{n}", "total": "25.00"}}"#).into_bytes();
    athm.receive(Message::parse("application/json", &body).unwrap(), Sender::CALLBACK, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_holds_the_write_lock_for_3_seconds_loses_no_callback() {
    let database = Database::new();
    let (path, (locked, is_locked)) = (database.path(), mpsc::channel());
    let dispatcher = Dispatcher::empty();
    let hold = move |_: &athm_core::Context<'_>| -> Result<(), rusqlite::Error> {
        let mut connection = Connection::open(&path)?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        locked.send(()).unwrap();
        std::thread::sleep(HELD);
        tx.commit()
    };
    dispatcher.connect(ReceiverOptions::new("hold").blocking(), [Signal::Cancelled], hold).unwrap();
    let athm = trusting_builder(&database, dispatcher).start().await.unwrap();
    athm.record(payment(1, Status::Cancelled).build(), KIOSK).await.unwrap();
    is_locked.recv().unwrap();

    let began = Instant::now();
    let answers = join_all((0..20).map(|n| post(&athm, n))).await;
    // Each waited for the lock, and none was refused: what athm answers with 503 is posted again.
    assert!(answers.iter().all(|answer| matches!(answer, Ok(MessageResult::Recorded))), "{answers:?}");
    let waited = began.elapsed();
    assert!(waited > HELD / 2 && waited < Duration::from_secs(5), "{waited:?}");
    let recorded = athm.transactions(TransactionQuery::new().status(Status::Completed)).await.unwrap();
    assert_eq!(recorded.transactions().len(), 20);
    athm.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_athms_inside_an_own_write_transaction_fails_in_time_and_says_why() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let mut connection = Connection::open(database.path()).unwrap();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let began = Instant::now();
    let refused = athm.record(payment(1, Status::Completed).build(), KIOSK).await;
    let Err(RecordError::Store(error @ StoreError::Locked(_))) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("commit or roll back a write transaction of your own"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    tx.commit().unwrap();
    athm.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    athm.shutdown(Duration::from_secs(5)).await;
}
