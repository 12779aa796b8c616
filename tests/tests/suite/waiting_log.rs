//! What is logged of a receiver that waits.

use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::{RetryAfter, Sender, Signal, Status};
use athm_tests::{SqliteDatabase, payment, trusting_builder};
use tokio::runtime::Handle;

use crate::log::Log;

#[tokio::test]
async fn a_receiver_that_waits_is_logged_without_a_warning() {
    let (database, log) = (SqliteDatabase::new(), Log::default());
    let _listening = log.listen();
    let dispatcher = Dispatcher::empty();
    let waits = |_: &athm_core::Context<'_>| Err(RetryAfter::new(Duration::from_secs(60)).caused_by("it is closed"));
    dispatcher.connect("waits", [Signal::Completed], waits).unwrap();
    // Receivers run on this thread, which listens.
    let athm = trusting_builder(&database, dispatcher).runtime(Handle::current()).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::CALLBACK).await.unwrap();
    athm.idle().await;
    let lines = log.lines("receiver asked to be run again later");
    assert!(lines.len() == 1 && lines[0].contains("INFO") && lines[0].contains("it is closed"), "{lines:?}");
    assert!(log.lines("ERROR").is_empty(), "{}", log.text());
    athm.shutdown(Duration::ZERO).await;
}
