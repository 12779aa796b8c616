//! A server that crashes and comes back, under load.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use athm_core::{Sender, Status};
use athm_tests::{Backend, PostgresDatabase, Recorder, eventually, payment, ticket, trusting};
use futures_util::future::join_all;

use crate::told;

const KIOSK: Sender = Sender::from_static("kiosk");

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_under_load_loses_nothing_that_was_answered() {
    let (database, recorder) = (PostgresDatabase::new(), Recorder::new());
    let athm = trusting(&database, recorder.listening()).start().await.unwrap();
    let (next, answered) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let is_over = Arc::new(AtomicBool::new(false));
    let clients = (0..4).map(|_| {
        let (athm, next, answered) = (athm.clone(), Arc::clone(&next), Arc::clone(&answered));
        let is_over = Arc::clone(&is_over);
        tokio::spawn(async move {
            let (mut recorded, mut refused) = (Vec::new(), 0);
            while !is_over.load(Ordering::Acquire) {
                let n = next.fetch_add(1, Ordering::AcqRel);
                match athm.record(payment(n, Status::Completed).build(), KIOSK).await {
                    Ok(_) => {
                        recorded.push(n);
                        answered.fetch_add(1, Ordering::AcqRel);
                    }
                    // Told at once, as long as the server is away.
                    Err(_) => {
                        refused += 1;
                        tokio::task::yield_now().await;
                    }
                }
            }
            (recorded, refused)
        })
    });
    let clients: Vec<_> = clients.collect();
    for _ in 0..3 {
        let so_far = answered.load(Ordering::Acquire);
        eventually(async || answered.load(Ordering::Acquire) > so_far + 50).await;
        let restart = || Command::new(told("ATHM_TEST_POSTGRES_RESTART")).status();
        let restarted = tokio::task::spawn_blocking(restart).await.unwrap().unwrap();
        assert!(restarted.success(), "the server doesn't come back");
    }
    eventually(async || athm.ping().await.is_ok()).await;
    is_over.store(true, Ordering::Release);
    let (recorded, refused): (Vec<_>, Vec<u32>) = join_all(clients).await.into_iter().map(Result::unwrap).unzip();
    let recorded = recorded.concat();
    assert!(recorded.len() > 100 && refused.iter().sum::<u32>() > 0, "{} recorded, {refused:?}", recorded.len());

    for n in recorded {
        let found = athm.transaction_by_ecommerce_id(&ticket(n)).await.unwrap();
        assert_eq!(found.unwrap().status(), &Status::Completed);
    }
    let payments = database.query("SELECT count(*) FROM athm_transaction");
    assert_eq!(database.query("SELECT count(*) FROM athm_event WHERE transition = 'completed'"), payments);
    assert_eq!(database.query("SELECT count(*) / 2 FROM athm_delivery"), payments, "each has its two deliveries");
    athm.idle().await;
    database.end_leases();
    eventually(async || database.query("SELECT count(*) FROM athm_delivery WHERE state <> 'succeeded'") == ["0"]).await;
    athm.shutdown(Duration::from_secs(5)).await;
}
