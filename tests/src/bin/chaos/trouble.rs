//! What others do to the database meanwhile: rows that are edited by hand, and rows that an idle session locks.

use std::sync::Arc;
use std::time::Duration;

use athm_actix::{Amount, Item, Status};
use athm_simulator::{SimulatedPayment, Simulator};
use athm_tests::{RunDatabase, Trouble};
use fastrand::Rng;
use tokio::time::sleep;

use crate::cluster::ProcessCluster;

/// The `metadata1` of payments whose rows are damaged. Whether the books agree about them can't be seen.
pub(crate) const DAMAGED: &str = "damaged";
/// The `metadata1` of a payment of a scenario. Its rows are locked for a time.
const LOCKED: &str = "order-%7-%";
const INTERVAL: Duration = Duration::from_millis(500);

/// Makes trouble until it is stopped. One more payment is damaged each time, when it is recorded.
pub(crate) async fn make_trouble(simulator: Simulator, cluster: ProcessCluster, database: Arc<RunDatabase>) {
    let mut random = Rng::with_seed(0);
    loop {
        let paid = SimulatedPayment::new(Amount::from_cents(700)).status(Status::Completed).metadata_1(DAMAGED);
        let id = simulator.insert(paid.item(Item::new("Coffee", Amount::from_cents(700)))).to_string();
        let form = [("status", "completed"), ("ecommerceId", &id), ("metadata1", DAMAGED), ("total", "7.00")];
        cluster.callback(&form, &mut random).await;
        let database = database.clone();
        let made = tokio::task::spawn_blocking(move || {
            let mut trouble = Trouble::default();
            trouble.make(&database, DAMAGED, LOCKED);
            trouble
        });
        // What is locked is locked for as long.
        let made = made.await;
        sleep(INTERVAL).await;
        drop(made);
        sleep(INTERVAL).await;
    }
}
