//! A server that crashes and comes back, under the load of three processes, each of which serves HTTP.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use athm_core::{Athm, Status};
use athm_tests::{
    PostgresDatabase, TestDatabase, TestServer, TextRecorder, ecommerce_id, eventually, trusting_builder,
};
use futures_util::future::join_all;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::json;

use crate::variable;

/// A program with its service.
struct Process {
    athm: Athm,
    server: TestServer,
}

impl Process {
    async fn start(database: &PostgresDatabase, recorder: &TextRecorder) -> Self {
        let athm = trusting_builder(database, recorder.listening()).start().await.unwrap();
        Self { server: TestServer::start(&athm), athm }
    }

    /// Posts the nth payment. Tells whether that was acknowledged, or put off until the database is back.
    async fn post(&self, n: u32) -> bool {
        let body = json!({ "ecommerceId": ecommerce_id(n), "status": "COMPLETED", "total": "25.00" });
        let response = self.server.post("/athm/callback").json(&body).send().await.unwrap();
        match response.status() {
            StatusCode::CREATED => true,
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(response.headers().contains_key(RETRY_AFTER));
                false
            }
            other => panic!("{other}: {}", response.text().await.unwrap()),
        }
    }

    async fn health(&self) -> StatusCode {
        self.server.get("/athm/health").send().await.unwrap().status()
    }
}

/// Has the server stop, start or restart, without any consideration.
async fn have_the_server(act: &'static str) {
    let control = move || Command::new(variable("ATHM_TEST_POSTGRES_CONTROL")).arg(act).status();
    let done = tokio::task::spawn_blocking(control).await.unwrap().unwrap();
    assert!(done.success(), "the server doesn't {act}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answered_message_is_lost_when_the_server_crashes_under_load() {
    let (database, recorder) = (PostgresDatabase::new(), TextRecorder::new());
    let processes = join_all((0..3).map(|_| Process::start(&database, &recorder))).await;
    let processes: Arc<[_]> = processes.into();
    let (next, answered) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let is_over = Arc::new(AtomicBool::new(false));
    let clients = (0..6).map(|client| {
        let (processes, next, answered) = (Arc::clone(&processes), Arc::clone(&next), Arc::clone(&answered));
        let is_over = Arc::clone(&is_over);
        tokio::spawn(async move {
            let (mut recorded, mut refused) = (Vec::new(), 0);
            while !is_over.load(Ordering::Acquire) {
                let n = next.fetch_add(1, Ordering::AcqRel);
                if processes[client % 3].post(n).await {
                    recorded.push(n);
                    answered.fetch_add(1, Ordering::AcqRel);
                } else {
                    refused += 1;
                }
            }
            (recorded, refused)
        })
    });
    let clients: Vec<_> = clients.collect();
    for _ in 0..3 {
        let so_far = answered.load(Ordering::Acquire);
        eventually(async || answered.load(Ordering::Acquire) > so_far + 50).await;
        have_the_server("restart").await;
    }
    for process in &*processes {
        eventually(async || process.health().await == StatusCode::OK).await;
    }
    is_over.store(true, Ordering::Release);
    let (recorded, refused): (Vec<_>, Vec<u32>) = join_all(clients).await.into_iter().map(Result::unwrap).unzip();
    let recorded = recorded.concat();
    assert!(recorded.len() > 100 && refused.iter().sum::<u32>() > 0, "{} recorded, {refused:?}", recorded.len());

    for n in recorded {
        let found = processes[0].athm.transaction_by_ecommerce_id(&ecommerce_id(n)).await.unwrap();
        assert_eq!(found.unwrap().status(), &Status::Completed);
    }
    let payments = database.query("SELECT count(*) FROM athm_transaction");
    assert_eq!(database.query("SELECT count(*) FROM athm_event WHERE transition = 'completed'"), payments);
    assert_eq!(database.query("SELECT count(*) / 2 FROM athm_delivery"), payments, "each has its two deliveries");
    for process in &*processes {
        process.athm.idle().await;
    }
    database.end_leases();
    eventually(async || database.query("SELECT count(*) FROM athm_delivery WHERE state <> 'succeeded'") == ["0"]).await;
    for process in &*processes {
        process.athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_down_every_request_is_answered_503() {
    let (database, recorder) = (PostgresDatabase::new(), TextRecorder::new());
    let process = Process::start(&database, &recorder).await;
    assert!(process.post(1).await);
    assert_eq!(process.health().await, StatusCode::OK);
    process.athm.idle().await;
    have_the_server("stop").await;
    for n in 2..20 {
        assert!(!process.post(n).await);
        assert_eq!(process.health().await, StatusCode::SERVICE_UNAVAILABLE);
    }
    have_the_server("start").await;
    eventually(async || process.health().await == StatusCode::OK).await;
    assert_eq!(database.query("SELECT count(*) FROM athm_transaction"), ["1"]);
    for n in 2..20 {
        eventually(async || process.post(n).await).await;
    }
    process.athm.idle().await;
    assert_eq!(recorder.noted().len(), 2 * 19);
    process.athm.shutdown(Duration::from_secs(5)).await;
}
