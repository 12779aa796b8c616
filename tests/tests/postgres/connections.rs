//! Connections that are lost, and servers that aren't there.

use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::errors::StartError;
use athm_core::{Sender, Status};
use athm_tests::{TestDatabase, TextRecorder, eventually, payment, trusting_builder};
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::Database;

const KIOSK: Sender = Sender::from_static("kiosk");

/// An address without a server.
#[derive(Debug, Default)]
struct Nowhere;

impl TestDatabase for Nowhere {
    fn execute(&self, _: &str) {
        panic!("nothing is there");
    }

    fn url(&self) -> String {
        String::from("postgres://shop:hunter2@127.0.0.1:1/shop")
    }
}

#[tokio::test]
async fn an_unreachable_server_is_a_start_error_without_the_password() {
    let error = trusting_builder(&Nowhere, Dispatcher::empty()).start().await.expect_err("no server answers");
    assert!(matches!(error, StartError::Store(_)), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn the_tables_are_created_once_when_several_processes_start() {
    let database = Database::new();
    let start = || trusting_builder(&database, Dispatcher::empty()).start();
    let started = join_all((0..6).map(|_| start())).await;
    for athm in started {
        athm.unwrap().shutdown(Duration::ZERO).await;
    }
    assert_eq!(database.query("SELECT count(*) FROM athm_migration GROUP BY version HAVING count(*) > 1"), [""; 0]);
    assert_eq!(database.query("SELECT count(*) = max(version) FROM athm_migration"), ["t"]);
    database.query("INSERT INTO athm_migration (version) VALUES (99)");
    let error = start().await.expect_err("it is newer");
    assert!(matches!(error, StartError::Store(athm_core::errors::StoreError::Newer { found: 99, .. })), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answered_message_is_lost_when_connections_are_cut_under_load() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let start = || async { trusting_builder(&database, recorder.listening()).start().await.unwrap() };
    let processes = join_all((0..3).map(|_| start())).await;
    let load = (0_u32..).zip(&processes).map(|(first, athm)| {
        let athm = athm.clone();
        tokio::spawn(async move {
            let mut recorded = Vec::new();
            for n in (first..600).step_by(3) {
                if athm.record(payment(n, Status::Completed).build(), KIOSK).await.is_ok() {
                    recorded.push(n);
                }
            }
            recorded
        })
    });
    let load: Vec<_> = load.collect();
    let mut cut = 0;
    while !load.iter().all(JoinHandle::is_finished) {
        cut += database.cut();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let recorded: Vec<_> = join_all(load).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(cut > 0 && recorded.len() > 150, "{cut} cut, {} recorded", recorded.len());
    for athm in &processes {
        eventually(async || athm.ping().await.is_ok()).await;
    }
    for n in recorded {
        let found = processes[0].transaction_by_ecommerce_id(&athm_tests::ecommerce_id(n)).await.unwrap();
        assert_eq!(found.unwrap().status(), &Status::Completed);
    }
    let payments = database.query("SELECT count(*) FROM athm_transaction");
    assert_eq!(database.query("SELECT count(*) FROM athm_event WHERE transition = 'completed'"), payments);
    assert_eq!(
        database.query("SELECT count(*) / 2 FROM athm_delivery"),
        payments,
        "each payment has its two deliveries"
    );
    for athm in &processes {
        athm.idle().await;
    }
    database.end_leases();
    eventually(async || database.query("SELECT count(*) FROM athm_delivery WHERE state <> 'succeeded'") == ["0"]).await;
    for athm in &processes {
        athm.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_character_that_the_server_refuses_is_replaced() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let odd = payment(1, Status::Completed).metadata_1("order\u{0}7").build();
    let recorded = athm.record(odd, KIOSK).await.unwrap();
    let found = athm.transaction(recorded.transaction().id()).await.unwrap().unwrap();
    assert_eq!(found.metadata_1(), "order\u{fffd}7");
    athm.shutdown(Duration::ZERO).await;
}
