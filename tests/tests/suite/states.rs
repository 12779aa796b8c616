//! What receivers share with the program: given, or missed by name.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use athm_core::errors::StartError;
use athm_core::{Amount, Sender, Signal, State, Status, Transaction, receiver};
use athm_tests::{TextRecorder, linked_dispatcher, payment, trusting_builder};

use crate::Database;

trait Rates: Send + Sync {
    fn points(&self, total: Amount) -> i64;
}

struct Double;

impl Rates for Double {
    fn points(&self, total: Amount) -> i64 {
        2 * total.cents() / 100
    }
}

#[receiver(completed, id = "states.points", sender = "states")]
fn give_points(transaction: &Transaction, State(rates): State<dyn Rates>, State(recorder): State<TextRecorder>) {
    recorder.note(rates.points(transaction.total()));
}

const SENDER: Sender = Sender::from_static("states");

#[tokio::test]
async fn a_state_behind_a_trait_is_given_in_durable_delivery_and_in_a_hand_dispatch() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let builder = trusting_builder(&database, linked_dispatcher("states.")).state(recorder.clone());
    let athm = builder.shared_state::<dyn Rates>(Arc::new(Double)).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), SENDER).await.unwrap();
    athm.idle().await;
    assert_eq!(recorder.noted(), ["50"]);
    athm.shutdown(Duration::ZERO).await;

    let dispatcher = linked_dispatcher("states.").state(recorder.clone()).shared_state::<dyn Rates>(Arc::new(Double));
    assert!(dispatcher.dispatch(&payment(1, Status::Completed).build(), SENDER).await.is_ok());
    assert_eq!(recorder.noted(), ["50", "50"]);
}

#[tokio::test]
async fn a_missing_state_is_named_at_start_with_its_builder_call() {
    let database = Database::new();
    let error = trusting_builder(&database, linked_dispatcher("states.")).start().await.expect_err("nothing was given");
    let StartError::Receivers { problems } = &error else { panic!("{error:?}") };
    let rates = std::any::type_name::<dyn Rates>();
    let of_a_trait =
        format!("parameter `rates`: no state of type `{rates}` was given: give one with `.shared_state(…)`");
    let of_a_type =
        "parameter `recorder`: no state of type `athm_tests::TextRecorder` was given: give one with `.state(…)`";
    assert_eq!(problems.len(), 2, "{error}");
    assert!(problems[0].starts_with("states.points (") && problems[0].ends_with(&of_a_trait), "{error}");
    assert!(problems[1].starts_with("states.points (") && problems[1].ends_with(of_a_type), "{error}");
}

#[tokio::test]
async fn a_missing_state_fails_the_receiver_in_a_hand_dispatch() {
    let dispatcher = linked_dispatcher("states.").shared_state::<dyn Rates>(Arc::new(Double));
    let failed = dispatcher.send_robust(Signal::Completed, &payment(1, Status::Completed).build(), &SENDER).await;
    let failure = failed[0].result().unwrap_err();
    let message = failure.to_string();
    assert!(message.contains("parameter `recorder` (") && message.contains("receiver `states.points`"), "{message}");
    let cause = failure.source().unwrap().to_string();
    assert_eq!(cause, "no state of type `athm_tests::TextRecorder` was given: give one with `.state(…)`");
}

#[tokio::test]
async fn a_watched_receiver_keeps_its_parameters() {
    let database = Database::new();
    let watched = athm_core::testing::Recorder::new().watch(&linked_dispatcher("states."));
    let error = trusting_builder(&database, watched).start().await.expect_err("nothing was given");
    let StartError::Receivers { problems } = &error else { panic!("{error:?}") };
    assert_eq!(problems.len(), 2, "{error}");
}
