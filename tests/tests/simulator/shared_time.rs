//! One clock for the simulator and the program under test, and ids from the seed.

use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Amount, NewPayment, Sender, Status};
use athm_simulator::Simulator;
use athm_tests::{SqliteDatabase, verifying_builder};

use crate::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn time_skipped_in_the_simulator_passes_the_deadline_in_athm() {
    let clock = Clock::manual();
    let (simulator, database) =
        (Simulator::builder().clock(clock.clone()).start().await.unwrap(), SqliteDatabase::new());
    let builder = verifying_builder(&simulator, &database, Dispatcher::empty()).clock(clock).without_sweeper();
    let athm = builder.start().await.unwrap();

    let mut statuses = Vec::new();
    for seconds in [60, 601] {
        let open = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
        let ticket = open.ecommerce_id().unwrap();
        simulator.skip(Duration::from_secs(seconds));
        // The provider reports both as CANCEL; only the deadline distinguishes them.
        let _ = simulator.decline(ticket);
        let found = athm.provider().unwrap().find(ticket).await.unwrap();
        athm.record(found, Sender::SWEEPER).await.unwrap();
        statuses.push(athm.transaction(open.id()).await.unwrap().unwrap().status().clone());
    }
    assert_eq!(statuses, [Status::Cancelled, Status::Expired]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn created_payments_have_the_same_ids_with_the_same_seed() {
    let ids = async || {
        let shop = Shop::with(Simulator::builder().seed(7).start().await.unwrap());
        [shop.create().await, shop.create().await]
    };
    let first = ids().await;
    assert_eq!(first, ids().await);
    assert_ne!(first[0], first[1]);
}
