//! Starting and stopping, and the request log.

use std::collections::HashSet;
use std::time::Duration;

use athm_core::Status;
use athm_simulator::{Simulator, SimulatorError};
use athm_tests::http_client;
use reqwest::StatusCode;

use crate::{Shop, payment, send};

#[tokio::test]
async fn requests_are_logged_with_their_statuses_and_without_tokens() {
    let shop = Shop::open().await;
    let (id, token) = shop.create().await;
    shop.find(&id).await;
    shop.find(&id).await;
    shop.authorize(&token).await;
    send(shop.get("/nowhere?token=public")).await;

    let log: Vec<_> = shop.simulator.requests().into_iter().map(|r| (r.method, r.path, r.status.unwrap())).collect();
    let ecommerce =
        |path: &str, status| ("POST".to_owned(), format!("/api/business-transaction/ecommerce{path}"), status);
    assert_eq!(
        log,
        [
            ecommerce("/payment", 200),
            ecommerce("/business/findPayment", 200),
            ecommerce("/business/findPayment", 200),
            ecommerce("/authorization", 409),
            ("GET".to_owned(), "/nowhere".to_owned(), 404),
        ]
    );
}

#[tokio::test]
async fn ids_tokens_and_references_are_unique() {
    let shop = Shop::open().await;
    let mut seen = HashSet::new();
    for _ in 0..50 {
        let id = shop.simulator.insert(payment(100).status(Status::Completed));
        let reference = shop.simulator.payment(&id).unwrap().reference_number.unwrap();
        for name in [id.to_string(), reference.to_string(), shop.simulator.auth_token(&id).unwrap()] {
            assert!(seen.insert(name));
        }
    }
}

#[tokio::test]
async fn stopping_frees_the_port_and_keeps_the_ledger() {
    let simulator = Simulator::start().await.unwrap();
    let port = simulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let id = simulator.insert(payment(100));
    let taken = Simulator::builder().port(port).start().await.unwrap_err();
    assert!(matches!(taken, SimulatorError::Bind { port: found, .. } if found == port));

    simulator.stop().await;
    simulator.stop().await;
    assert!(simulator.payment(&id).is_some());
    let next = Simulator::builder().port(port).start().await.unwrap();
    assert_eq!(next.url(), simulator.url());
}

#[tokio::test]
async fn dropping_the_last_handle_stops_it() {
    let simulator = Simulator::start().await.unwrap();
    let clone = simulator.clone();
    let url = simulator.url().to_owned();
    drop(simulator);
    let client = http_client();
    assert_eq!(client.get(&url).send().await.unwrap().status(), StatusCode::OK);
    drop(clone);
    let gone = async { while client.get(&url).send().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[actix_web::test]
async fn it_runs_on_an_actix_runtime() {
    let shop = Shop::open().await;
    let (id, _) = shop.create().await;
    assert_eq!(shop.status(&id).await, "OPEN");
    shop.simulator.stop().await;
}

#[test]
fn a_handle_is_shared_among_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Simulator>();
}
