//! Checkouts that three processes offer, open and watch together.

use std::time::Duration;

use athm_core::checkouts::{CheckoutError, CheckoutId, CheckoutState, NewCheckout, PayCheckout};
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{Amount, Athm, Status};
use athm_simulator::Simulator;
use athm_tests::{TextRecorder, advance_until, eventually, verifying_builder};
use futures_util::future::join_all;

use crate::Database;

struct Cluster {
    simulator: Simulator,
    database: Database,
    recorder: TextRecorder,
    clock: Clock,
    processes: Vec<Athm>,
}

impl Cluster {
    async fn start() -> Self {
        let (simulator, database) = (Simulator::start().await.unwrap(), Database::new());
        let (recorder, clock) = (TextRecorder::new(), Clock::manual());
        let start =
            || verifying_builder(&simulator, &database, recorder.listening()).clock(clock.clone()).seed(7).start();
        let processes = join_all((0..3).map(|_| start())).await.into_iter().map(Result::unwrap).collect();
        Self { simulator, database, recorder, clock, processes }
    }

    async fn offer(&self, key: &str) -> CheckoutId {
        let new = || NewCheckout::new(Amount::from_cents(2500), "order-7").idempotency_key(key);
        let offered = join_all(self.processes.iter().map(|athm| athm.checkout(new()))).await;
        let mut ids: Vec<_> = offered.into_iter().map(|checkout| checkout.unwrap().id()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1, "one key is one checkout, in whatever process");
        ids[0]
    }

    fn opened(&self) -> usize {
        self.simulator.payments().len()
    }

    async fn stop(self) {
        for athm in self.processes {
            athm.shutdown(Duration::from_secs(5)).await;
        }
    }
}

fn by(phone: &str) -> PayCheckout {
    PayCheckout::new(phone.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_open_one_payment_and_authorize_it_once() {
    let cluster = Cluster::start().await;
    let id = cluster.offer("order-7").await;
    let clicks = (0..9).map(|n| {
        let athm = cluster.processes[n % 3].clone();
        tokio::spawn(async move { athm.checkouts().pay(id, by("787-555-0199").known_attempts(0)).await })
    });
    for click in join_all(clicks).await {
        assert!(matches!(click.unwrap().unwrap().state(), CheckoutState::Waiting { .. }));
    }
    assert_eq!(cluster.opened(), 1);
    cluster.simulator.approve(&cluster.simulator.payments()[0].ecommerce_id).unwrap();
    cluster.clock.advance(Duration::from_secs(2));
    assert_eq!(cluster.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
    let authorized = cluster.simulator.requests().iter().filter(|one| one.path.ends_with("/authorization")).count();
    assert_eq!((authorized, cluster.simulator.payments()[0].status.clone()), (1, Status::Completed));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_asked_five_times_an_hour_by_all_processes_together() {
    let cluster = Cluster::start().await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(cluster.offer(&format!("order-{n}")).await);
    }
    let pushes = ids.into_iter().enumerate().map(|(n, id)| {
        let athm = cluster.processes[n % 3].clone();
        tokio::spawn(async move { athm.checkouts().pay(id, by("787-555-0199")).await })
    });
    let pushed: Vec<_> = join_all(pushes).await.into_iter().map(Result::unwrap).collect();
    let refused = pushed.iter().filter(|result| matches!(result, Err(CheckoutError::TooManyPushes))).count();
    assert_eq!((refused, cluster.opened()), (7, 5), "{pushed:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_authorizes_what_a_dead_one_waited_for() {
    let mut cluster = Cluster::start().await;
    let id = cluster.offer("order-7").await;
    let dying = cluster.processes.remove(0);
    dying.checkouts().pay(id, by("787-555-0199")).await.unwrap();
    dying.shutdown(Duration::ZERO).await;
    cluster.simulator.approve(&cluster.simulator.payments()[0].ecommerce_id).unwrap();
    let athm = cluster.processes[0].clone();
    advance_until(&cluster.clock, async || {
        athm.checkouts().find(id).await.unwrap().unwrap().state() == CheckoutState::Completed
    })
    .await;
    let watched = || cluster.database.query("SELECT count(*) FROM athm_checkout_payment WHERE due_at IS NOT NULL");
    eventually(async || watched() == ["0"]).await;
    cluster.stop().await;
}
