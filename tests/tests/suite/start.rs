//! What `start` refuses, so that nothing is wrong at the first payment.

use std::time::Duration;

use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::errors::{StartError, StoreError};
use athm_core::{Athm, Sender, Signal, Status, receiver};
use athm_tests::{SqliteDatabase, TestDatabase as _, eventually, payment, trusting_builder};

use crate::log::Log;

async fn refusal(builder: athm_core::AthmBuilder) -> StartError {
    builder.start().await.expect_err("it is refused")
}

#[tokio::test]
async fn without_tokens_nothing_can_be_verified() {
    let database = SqliteDatabase::new();
    let error = refusal(Athm::builder().database_url(database.url()).dispatcher(Dispatcher::empty())).await;
    assert!(matches!(error, StartError::NoTokens));
    assert!(error.to_string().contains("ATHM_PUBLIC_TOKEN"), "{error}");
}

#[tokio::test]
async fn trusted_callbacks_are_refused_where_tokens_are_set() {
    let database = SqliteDatabase::new();
    let error = refusal(trusting_builder(&database, Dispatcher::empty()).tokens("public", "private")).await;
    assert!(matches!(error, StartError::TrustWithTokens));
}

#[tokio::test]
async fn an_unencrypted_url_beyond_loopback_is_refused() {
    let database = SqliteDatabase::new();
    for url in ["http://payments.athmovil.com", "ftp://127.0.0.1", "nonsense"] {
        let builder = Athm::builder().database_url(database.url()).tokens("public", "private").api_url(url);
        let error = refusal(builder.dispatcher(Dispatcher::empty())).await;
        assert!(matches!(error, StartError::Provider(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn two_receivers_with_one_id_are_refused_by_name() {
    let database = SqliteDatabase::new();
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("stock", [Signal::Completed], |_| ()).unwrap();
    let error = refusal(trusting_builder(&database, dispatcher).connect("stock", [Signal::Cancelled], |_| ())).await;
    let StartError::Receivers { problems } = &error else { panic!("{error:?}") };
    assert_eq!(problems.len(), 1);
    assert!(error.to_string().contains("one id for several: stock"), "{error}");
}

#[tokio::test]
async fn promise_7_a_second_process_on_one_file_is_refused() {
    let database = SqliteDatabase::new();
    let first = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let error = refusal(trusting_builder(&database, Dispatcher::empty())).await;
    assert!(matches!(error, StartError::Store(StoreError::InUse { .. })), "{error:?}");
    first.shutdown(Duration::ZERO).await;
    let second = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    second.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_database_that_is_not_athms_is_refused() {
    let database = SqliteDatabase::new();
    for (url, expected) in [
        ("mysql://root:secret@localhost/shop", "found mysql://…"),
        ("mysql://localhost/shop?password=secret", "found mysql://…"),
        ("host=localhost password=secret", "found none of them"),
        ("athm.db", "such as sqlite://athm.db"),
        ("sqlite://", "found \"sqlite://\""),
        ("sqlite://:memory:", "found \"sqlite://:memory:\""),
        ("sqlite://file:athm.db", "found \"sqlite://file:athm.db\""),
        ("sqlite://athm.db?mode=memory", "found \"sqlite://athm.db?mode=memory\""),
        ("sqlite:///no/such/folder/athm.db", "does its folder exist"),
        #[cfg(not(feature = "postgres"))]
        ("postgres://localhost/shop", "the feature `postgres`"),
    ] {
        let error = refusal(trusting_builder(&database, Dispatcher::empty()).database_url(url)).await;
        let StartError::Store(error) = error else { panic!("{url}: {error:?}") };
        assert!(error.to_string().contains(expected) && !format!("{error:?}").contains("secret"), "{url}: {error}");
    }
}

#[tokio::test]
async fn point_9_every_receiver_and_every_signal_without_a_receiver_is_logged() {
    let (database, log) = (SqliteDatabase::new(), Log::default());
    let _logging = log.listen();
    let athm = trusting_builder(&database, athm_tests::linked_dispatcher("start."))
        .connect(ReceiverOptions::new("print").order(3), [Signal::Completed, Signal::Refunded], |_| ())
        .start()
        .await
        .unwrap();
    let place = format!("start.logged ({}:{})", file!(), LOGGED + 1);
    let (linked, connected) = (log.lines(&place), log.lines("print (connected at run time)"));
    assert_eq!((linked.len(), connected.len()), (1, 1), "{}", log.text());
    assert!(linked[0].contains("INFO") && linked[0].contains("signals=[Cancelled]"), "{linked:?}");
    assert!(linked[0].contains("sender=\"kiosk\""), "{linked:?}");
    assert!(connected[0].contains("signals=[Completed, Refunded] order=3"), "{connected:?}");
    let unheard = log.lines("signals without any receiver");
    assert!(unheard.len() == 1 && unheard[0].contains("WARN"), "{}", log.text());
    assert!(unheard[0].contains("signals=\"received, expired\""), "{unheard:?}");
    let ids: Vec<_> = athm.receivers().iter().map(|receiver| receiver.id().to_owned()).collect();
    assert_eq!(ids, ["start.logged", "print"]);
    athm.shutdown(Duration::ZERO).await;
}

const LOGGED: u32 = line!();
#[receiver(cancelled, id = "start.logged", sender = "kiosk")]
fn logged() {}

#[tokio::test]
async fn point_9_all_missing_expected_receivers_are_named_at_once() {
    let database = SqliteDatabase::new();
    let builder = trusting_builder(&database, athm_tests::linked_dispatcher("start."));
    let error = refusal(builder.expect_receivers(["start.logged", "start.loged", "stock::release"])).await;
    let StartError::Receivers { problems } = &error else { panic!("{error:?}") };
    assert_eq!(problems.len(), 2, "{error}");
    assert!(problems[0].contains("`start.loged`") && problems[0].contains("did you mean `start.logged`?"), "{error}");
    assert!(problems[1].contains("`stock::release`") && problems[1].contains("link!(the_crate)"), "{error}");
}

#[tokio::test]
async fn due_deliveries_whose_receiver_is_gone_are_warned_of_with_the_nearest_names() {
    let database = SqliteDatabase::new();
    let with = |id: &'static str| {
        let dispatcher = Dispatcher::empty();
        dispatcher.connect(id, [Signal::Completed], |_| Err("not now")).unwrap();
        trusting_builder(&database, dispatcher).connect("stock::count", [Signal::Completed], |_| ())
    };
    let athm = with("shop::fulfil").start().await.unwrap();
    for n in 1..=2 {
        athm.record(payment(n, Status::Completed).build(), Sender::CALLBACK).await.unwrap();
    }
    athm.idle().await;
    athm.shutdown(Duration::ZERO).await;
    database.execute("UPDATE athm_delivery SET due_at = 0 WHERE state = 'due'");

    let log = Log::default();
    let _listening = log.listen();
    let athm = with("shop::orders::fulfil").start().await.unwrap();
    let warned = "due deliveries name a receiver that this program doesn't have";
    eventually(async || !log.lines(warned).is_empty()).await;
    let line = log.lines(warned).remove(0);
    for part in ["WARN", r#"receiver="shop::fulfil""#, "deliveries=2", r#"nearest="shop::orders::fulfil""#] {
        assert!(line.contains(part), "{part} in {line}");
    }
    athm.shutdown(Duration::ZERO).await;
}
