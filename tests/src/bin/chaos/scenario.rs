//! The life of one payment: what the shop, the customer, the browser and a stranger do.

use std::time::Duration;

use athm_actix::ids::EcommerceId;
use athm_actix::{Amount, Status, TransactionKind};
use athm_simulator::{SimulatedPayment, Simulator, TestPhone};
use fastrand::Rng;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cluster::ProcessCluster;

/// How long a shop tries to open a payment.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct PaymentScenario {
    pub(crate) simulator: Simulator,
    pub(crate) cluster: ProcessCluster,
    pub(crate) random: Rng,
    pub(crate) number: u32,
}

/// A payment that the shop has opened.
struct Order {
    id: String,
    ecommerce_id: EcommerceId,
    name: String,
    cents: i64,
}

/// What has come of a scenario.
pub(crate) enum ScenarioOutcome {
    NotOpened,
    Received,
    /// The shop received the id of its open checkout.
    Opened(EcommerceId),
}

impl PaymentScenario {
    pub(crate) async fn run(mut self) -> ScenarioOutcome {
        match self.random.u8(0..100) {
            0..8 => {
                self.receive();
                return ScenarioOutcome::Received;
            }
            // While traffic flows; it may be killed on the way, like anything else.
            8..10 => drop(self.post("/reconcile", &Value::Null).await),
            _ => {}
        }
        let Some(order) = self.open().await else { return ScenarioOutcome::NotOpened };
        self.send_forged_message(&order).await;
        match self.random.u8(0..100) {
            0..74 => self.pay(&order).await,
            // The tab dies with the approval: only the server may authorize.
            74..79 => drop(self.simulator.approve(&order.ecommerce_id)),
            79..86 => self.decline(&order).await,
            86..92 => drop(self.post(&format!("/orders/{}/cancel", order.id), &Value::Null).await),
            _ => {}
        }
        self.send_forged_message(&order).await;
        ScenarioOutcome::Opened(order.ecommerce_id)
    }

    /// Money comes in without a checkout.
    fn receive(&mut self) {
        let kind = if self.random.bool() { TransactionKind::Payment } else { TransactionKind::Donation };
        let cents = self.random.i64(100..=150_000);
        let id = self.simulator.receive(SimulatedPayment::new(Amount::from_cents(cents)).kind(kind));
        if self.random.u8(0..100) < 15 {
            self.refund_in_the_app(&id, cents);
        }
    }

    /// The business refunds in its own app, where the shop has no part.
    fn refund_in_the_app(&mut self, id: &EcommerceId, most: i64) {
        let amount = Amount::from_cents(self.random.i64(1..=most));
        // There may be less left by now.
        let _ = self.simulator.refund(id, amount);
    }

    /// Tries until one is open: whatever became of an attempt, no money can move for it.
    async fn open(&mut self) -> Option<Order> {
        let cents = self.random.i64(100..=150_000);
        let deadline = Instant::now() + WAIT_TIMEOUT;
        for attempt in 0.. {
            if Instant::now() > deadline {
                break;
            }
            let name = format!("order-{}-{attempt}", self.number);
            let phone = match self.random.u8(0..100) {
                0..3 => Some(TestPhone::Approves),
                3..6 => Some(TestPhone::Declines),
                6..9 => Some(TestPhone::OverLimit),
                _ => None,
            };
            let order = json!({ "cents": cents, "order": name, "phone": phone.map(TestPhone::number) });
            if let Some(answer) = self.post("/orders", &order).await
                && let Ok(answer) = serde_json::from_str::<Value>(&answer)
                && let (Some(id), Some(ecommerce_id)) = (answer["id"].as_str(), answer["ecommerceId"].as_str())
                && let Ok(ecommerce_id) = ecommerce_id.parse()
            {
                return Some(Order { id: id.to_owned(), ecommerce_id, name, cents });
            }
            sleep(Duration::from_millis(self.random.u64(5..50))).await;
        }
        None
    }

    async fn pay(&mut self, order: &Order) {
        let _ = self.simulator.approve(&order.ecommerce_id);
        if self.random.bool() {
            self.send_callback(order, "completed").await;
        }
        let path = format!("/orders/{}/authorize", order.id);
        // A double click, or the page and the server at once.
        let asked = (0..self.random.u8(1..=3)).map(|_| {
            let (cluster, path, mut random) = (self.cluster.clone(), path.clone(), self.random.fork());
            async move { cluster.post(&path, &Value::Null, &mut random).await }
        });
        join_all(asked).await;
        for _ in 0..self.random.u8(0..=2) {
            self.send_callback(order, "completed").await;
        }
        if self.random.u8(0..100) < 40 && self.is_paid(order).await {
            self.refund(order).await;
        }
        if self.random.u8(0..100) < 8 {
            self.refund_in_the_app(&order.ecommerce_id, order.cents);
        }
    }

    /// Gives money back, once or several times, also at once and more than there is: each amount is asked for once.
    async fn refund(&mut self, order: &Order) {
        let mut amounts: Vec<i64> = (0..self.random.usize(1..=3)).map(|_| self.random.i64(1..=order.cents)).collect();
        if self.random.bool() {
            amounts.iter_mut().for_each(|amount| *amount = (*amount / 4).max(1));
        }
        amounts.sort_unstable();
        amounts.dedup();
        let path = format!("/orders/{}/refund", order.id);
        let is_race = self.random.bool();
        let asked = amounts.into_iter().map(|cents| {
            let (cluster, path, mut random) = (self.cluster.clone(), path.clone(), self.random.fork());
            async move { cluster.post(&path, &json!({ "cents": cents }), &mut random).await }
        });
        if is_race {
            join_all(asked.collect::<Vec<_>>()).await;
        } else {
            for asked in asked.collect::<Vec<_>>() {
                asked.await;
            }
        }
    }

    async fn decline(&mut self, order: &Order) {
        if self.random.bool() {
            let _ = self.simulator.approve(&order.ecommerce_id);
        }
        let _ = self.simulator.decline(&order.ecommerce_id);
        if self.random.bool() {
            self.send_callback(order, "cancelled").await;
        }
    }

    /// The browser tells the shop.
    async fn send_callback(&mut self, order: &Order, status: &str) {
        let (ecommerce_id, total) = (order.ecommerce_id.to_string(), dollars(order.cents));
        let form =
            [("status", status), ("ecommerceId", ecommerce_id.as_str()), ("metadata1", &order.name), ("total", &total)];
        self.cluster.callback(&form, &mut self.random).await;
    }

    /// A stranger tells the shop something, about this payment or about none, true or not.
    async fn send_forged_message(&mut self, order: &Order) {
        let (ecommerce_id, invented) = (order.ecommerce_id.to_string(), uuid::Uuid::now_v7().to_string());
        let status = ["completed", "cancelled", "expired", "COMPLETED", ""][self.random.usize(0..5)];
        let reference = format!("{}-{:032x}", self.random.u32(..), self.random.u128(..));
        let form = match self.random.u8(0..8) {
            0 => vec![("status", status), ("ecommerceId", ecommerce_id.as_str()), ("total", "1.00")],
            1 => vec![("status", status), ("ecommerceId", invented.as_str()), ("metadata1", order.name.as_str())],
            2 => vec![("status", status), ("referenceNumber", reference.as_str()), ("total", "1.00")],
            3 => vec![("status", status), ("metadata1", order.name.as_str()), ("total", "1.00")],
            _ => return,
        };
        self.cluster.callback(&form, &mut self.random).await;
    }

    async fn post(&mut self, path: &str, body: &Value) -> Option<String> {
        self.cluster.post(path, body, &mut self.random).await
    }

    /// Whether the payment is completed at the provider within a second.
    async fn is_paid(&self, order: &Order) -> bool {
        let is_paid = || self.simulator.payment(&order.ecommerce_id).is_some_and(|it| it.status == Status::Completed);
        for _ in 0..20 {
            if is_paid() {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }
}

fn dollars(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
