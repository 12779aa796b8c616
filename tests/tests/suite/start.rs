//! What `start` refuses, so that nothing is wrong at the first payment.

use athm_core::{Athm, Dispatcher, Signal, StartError, StoreError};
use athm_tests::{Database, trusting};

async fn refusal(builder: athm_core::Builder) -> StartError {
    builder.start().await.expect_err("it is refused")
}

#[tokio::test]
async fn without_tokens_nothing_can_be_verified() {
    let database = Database::new();
    let error = refusal(Athm::builder().database_url(database.url()).dispatcher(Dispatcher::empty())).await;
    assert!(matches!(error, StartError::NoTokens));
    assert!(error.to_string().contains("ATHM_PUBLIC_TOKEN"), "{error}");
}

#[tokio::test]
async fn trusted_callbacks_are_refused_where_tokens_are_set() {
    let database = Database::new();
    let error = refusal(trusting(&database, Dispatcher::empty()).tokens("public", "private")).await;
    assert!(matches!(error, StartError::TrustWithTokens));
}

#[tokio::test]
async fn an_address_that_leaves_loopback_unencrypted_is_refused() {
    let database = Database::new();
    for url in ["http://payments.athmovil.com", "ftp://127.0.0.1", "nonsense"] {
        let builder = Athm::builder().database_url(database.url()).tokens("public", "private").api_url(url);
        let error = refusal(builder.dispatcher(Dispatcher::empty())).await;
        assert!(matches!(error, StartError::Provider(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn two_receivers_with_one_id_are_refused_by_name() {
    let database = Database::new();
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("stock", [Signal::Completed], |_| ()).unwrap();
    let error = refusal(trusting(&database, dispatcher).connect("stock", [Signal::Cancelled], |_| ())).await;
    let StartError::Receivers { problems } = &error else { panic!("{error:?}") };
    assert_eq!(problems.len(), 1);
    assert!(error.to_string().contains("one id for several: stock"), "{error}");
}

#[tokio::test]
async fn promise_7_a_second_process_on_one_file_is_refused() {
    let database = Database::new();
    let first = trusting(&database, Dispatcher::empty()).start().await.unwrap();
    let error = refusal(trusting(&database, Dispatcher::empty())).await;
    assert!(matches!(error, StartError::Store(StoreError::InUse { .. })), "{error:?}");
    first.shutdown(std::time::Duration::ZERO).await;
    let second = trusting(&database, Dispatcher::empty()).start().await.unwrap();
    second.shutdown(std::time::Duration::ZERO).await;
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused() {
    let database = Database::new();
    for (url, expected) in [
        ("mysql://root:secret@localhost/shop", "found \"localhost/shop\""),
        ("athm.db", "found \"athm.db\""),
        ("sqlite://", "found \"sqlite://\""),
        ("sqlite://:memory:", "found \"sqlite://:memory:\""),
        ("sqlite:///no/such/folder/athm.db", "does its folder exist"),
        #[cfg(not(feature = "postgres"))]
        ("postgres://localhost/shop", "the feature `postgres`"),
    ] {
        let error = refusal(trusting(&database, Dispatcher::empty()).database_url(url)).await;
        let StartError::Store(error) = error else { panic!("{url}: {error:?}") };
        assert!(error.to_string().contains(expected), "{url}: {error}");
    }
}
