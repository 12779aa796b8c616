//! Parameters that are loaded before an async receiver is called.

use std::time::Duration;

use athm_core::dispatch::{Load, Loaded, States};
use athm_core::errors::{MissingState, StartError};
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{
    BoxError, Context, FromContext, Permanent, RetryAfter, Sender, Signal, State, Status, Transaction, receiver,
    testing,
};
use athm_tests::{SqliteDatabase, TextRecorder, linked_dispatcher, trusting_builder};

/// The orders of a shop's database, each as the word that loading it comes to.
struct Orders(TextRecorder);

struct Order(String);

impl Load for Order {
    async fn load(context: &Context<'_>) -> Result<Self, BoxError> {
        let State(orders) = State::<Orders>::from_context(context)?;
        tokio::task::yield_now().await;
        let order = context.transaction().metadata_1();
        orders.0.note(format!("load {order}"));
        match order {
            "missing" => Err(Permanent::new("there is no such order").into()),
            "locked" => Err("the database is locked".into()),
            "early" => Err(RetryAfter::new(Duration::from_secs(60)).into()),
            "panic" => panic!("no database"),
            order => Ok(Self(order.to_owned())),
        }
    }

    fn check(states: &States) -> Result<(), MissingState> {
        State::<Orders>::check(states)
    }
}

#[receiver(completed, id = "loading.fulfil")]
#[allow(clippy::unused_async, reason = "what is loaded needs an async receiver")]
async fn fulfil(signal: Signal, Loaded(order): Loaded<Order>, State(orders): State<Orders>) -> Result<(), BoxError> {
    orders.0.note(format!("{signal}: {}", order.0));
    Ok(())
}

fn paid(order: &str) -> Transaction {
    Transaction::sample().completed().metadata_1(order).build()
}

#[tokio::test]
async fn a_receiver_is_called_with_what_was_loaded_and_its_failure_is_the_receivers() {
    let notes = TextRecorder::new();
    for (order, error) in [
        ("order-7", None),
        ("missing", Some("there is no such order")),
        ("locked", Some("the database is locked")),
        ("panic", Some("no database")),
    ] {
        let failure = testing::call("loading.fulfil", &paid(order)).state(Orders(notes.clone())).await.err();
        let text = failure.map(|failure| {
            let mut texts = vec![failure.to_string()];
            let mut cause = std::error::Error::source(&failure);
            while let Some(error) = cause {
                texts.push(error.to_string());
                cause = error.source();
            }
            texts.join(": ")
        });
        match (error, text) {
            (None, None) => {}
            (Some(error), Some(text)) => assert!(text.contains(error), "{text}"),
            (error, text) => panic!("{order}: {error:?}, {text:?}"),
        }
    }
    let loaded = ["load order-7", "completed: order-7", "load missing", "load locked", "load panic"];
    assert_eq!(notes.noted(), loaded);
}

#[tokio::test]
async fn what_is_not_found_is_dead_what_fails_is_tried_again_and_what_waits_spends_no_attempt() {
    let (database, notes, clock) = (SqliteDatabase::new(), TextRecorder::new(), Clock::manual());
    let dispatcher = linked_dispatcher("loading.").state(Orders(notes.clone()));
    let athm = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    for (n, order) in [(1, "missing"), (2, "locked"), (3, "early")] {
        let payment = athm_tests::payment(n, Status::Completed).metadata_1(order).build();
        athm.record(payment, Sender::CALLBACK).await.unwrap();
        athm.idle().await;
    }
    let dead = athm.deliveries().dead().await.unwrap();
    let error = "parameter `order` (athm_core::receiver::load::Loaded<suite::loading::Order>) of receiver `loading.fulfil` \
                 couldn't be loaded: a retry can't succeed: there is no such order";
    assert_eq!((dead.len(), dead[0].error.as_deref()), (1, Some(error)));
    clock.advance(Duration::from_secs(61));
    athm.idle().await;
    let mut noted = notes.noted();
    noted.sort();
    assert_eq!(noted, ["load early", "load early", "load locked", "load locked", "load missing"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_state_that_loading_needs_is_missed_at_the_start() {
    let database = SqliteDatabase::new();
    let error = trusting_builder(&database, linked_dispatcher("loading.")).start().await.unwrap_err();
    let StartError::Receivers { problems } = error else { panic!("{error:?}") };
    assert!(problems.iter().any(|problem| problem.contains("parameter `order`")), "{problems:?}");
}
