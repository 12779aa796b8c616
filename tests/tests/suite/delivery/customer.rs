//! Receivers that ask who paid: each waits until the provider has named the customer, alone.

use std::time::Duration;

use athm_core::deliveries::DeliveryState;
use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::ids::EcommerceId;
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{
    Amount, Athm, Context, Customer, Delivery, Message, MessageResult, Sender, Signal, State, Status, Transaction,
    receiver,
};
use athm_simulator::{SimulatedPayment, Simulator, View};
use athm_tests::{
    TextRecorder, advance_until, completed_payment, ecommerce_id, eventually, payment, verifying_builder,
};
use futures_util::future::join_all;
use serde_json::json;

use super::{KIOSK, dead};
use crate::Database;

const HALF_A_DAY: Duration = Duration::from_secs(12 * 60 * 60);

#[receiver(completed, refunded, id = "customer.receipt", order = -10)]
fn receipt(signal: Signal, customer: &Customer, delivery: Delivery, State(notes): State<TextRecorder>) {
    notes.note(format!("{signal}: receipt for {:?}, attempt {}", customer.email.as_deref(), delivery.attempt()));
}

#[receiver(completed, id = "customer.letter")]
fn letter(customer: Option<&Customer>, State(notes): State<TextRecorder>) {
    notes.note(format!("letter for {:?}", customer.map(|customer| customer.email.as_deref())));
}

#[receiver(completed, refunded, cancelled, id = "customer.fulfil")]
fn fulfil(signal: Signal, State(notes): State<TextRecorder>) {
    notes.note(format!("{signal}: fulfil"));
}

/// A shop with some of these receivers, and a provider that tells who paid some time after the payment.
struct Shop {
    simulator: Simulator,
    database: Database,
    clock: Clock,
    notes: TextRecorder,
    receivers: &'static [&'static str],
    athm: Athm,
}

impl Shop {
    async fn open(receivers: &'static [&'static str]) -> Self {
        let (simulator, database) = (Simulator::start().await.unwrap(), Database::default());
        let (clock, notes) = (Clock::manual(), TextRecorder::new());
        let athm = start(&simulator, &database, &clock, &notes, receivers).await;
        Self { simulator, database, clock, notes, receivers, athm }
    }

    async fn restart(&mut self) {
        self.athm.shutdown(Duration::ZERO).await;
        self.athm = start(&self.simulator, &self.database, &self.clock, &self.notes, self.receivers).await;
    }

    async fn paid(&self, payment: SimulatedPayment) -> EcommerceId {
        let id = self.simulator.insert(payment);
        let body = json!({ "ecommerceId": id, "status": "COMPLETED" }).to_string().into_bytes();
        let message = Message::parse("application/json", &body).unwrap();
        assert_eq!(self.athm.receive(message, Sender::WEBHOOK, body).await.unwrap(), MessageResult::Recorded);
        self.athm.idle().await;
        id
    }

    async fn payment(&self, id: &EcommerceId) -> Transaction {
        self.athm.transaction_by_ecommerce_id(id).await.unwrap().unwrap()
    }

    async fn noted(&self) -> Vec<String> {
        self.athm.idle().await;
        self.notes.noted()
    }

    fn searches(&self) -> usize {
        self.simulator.requests().iter().filter(|request| request.path.ends_with("/searchTransaction")).count()
    }

    /// From then on the provider's search finds what is a day old.
    fn tell_nothing(&self) {
        self.simulator.set_lag(View::Search, 2 * HALF_A_DAY);
    }

    fn tell_all(&self) {
        self.simulator.skip(2 * HALF_A_DAY);
    }
}

async fn start(
    simulator: &Simulator,
    database: &Database,
    clock: &Clock,
    notes: &TextRecorder,
    receivers: &[&str],
) -> Athm {
    let dispatcher = Dispatcher::linked();
    for receiver in dispatcher.receivers() {
        assert!(receivers.contains(&receiver.id()) || dispatcher.disconnect(receiver.id()));
    }
    let builder = verifying_builder(simulator, database, dispatcher).state(notes.clone()).seed(7);
    let builder = builder.unknown_payment_rate_limit(1000, 1000);
    builder.clock(clock.clone()).start().await.unwrap()
}

fn ines() -> Customer {
    let mut customer = Customer::default();
    customer.email = Some(String::from("ines@shop.example"));
    customer
}

fn ana() -> SimulatedPayment {
    completed_payment().customer_email("ana@shop.example")
}

#[tokio::test]
async fn a_receiver_of_the_customer_runs_once_the_provider_has_named_who_paid_and_delays_no_other() {
    let shop = Shop::open(&["customer.receipt", "customer.fulfil"]).await;
    let id = shop.paid(ana()).await;
    assert_eq!(shop.noted().await, ["completed: fulfil"]);
    advance_until(&shop.clock, async || shop.notes.noted().len() == 2).await;
    assert_eq!(shop.noted().await[1], "completed: receipt for Some(\"ana@shop.example\"), attempt 1");
    assert_eq!((dead(&shop.athm).await, shop.searches()), (Vec::new(), 1));

    // Who paid is known by now, so that a refund's receipt waits for nothing.
    shop.athm.refund(shop.payment(&id).await.id(), athm_core::NewRefund::full()).await.unwrap();
    let mut noted = shop.noted().await.split_off(2);
    noted.sort();
    assert_eq!(noted, ["refunded: fulfil", "refunded: receipt for Some(\"ana@shop.example\"), attempt 1"]);
}

#[tokio::test]
async fn a_customer_who_is_known_at_the_completion_delays_nothing() {
    let shop = Shop::open(&["customer.receipt", "customer.letter"]).await;
    let paid = Transaction::sample().completed().customer(ines()).build();
    shop.athm.record(paid, KIOSK).await.unwrap();
    assert_eq!(
        shop.noted().await,
        [
            "completed: receipt for Some(\"ines@shop.example\"), attempt 1",
            "letter for Some(Some(\"ines@shop.example\"))"
        ]
    );
    assert_eq!(shop.searches(), 0);
}

#[tokio::test]
async fn a_delivery_that_waits_takes_no_slot_and_survives_a_restart() {
    let mut shop = Shop::open(&["customer.receipt", "customer.fulfil"]).await;
    join_all((0..100).map(|_| shop.paid(ana()))).await;
    assert_eq!(shop.noted().await, vec!["completed: fulfil"; 100]);
    shop.restart().await;
    shop.restart().await;
    assert_eq!(shop.noted().await.len(), 100);
    advance_until(&shop.clock, async || shop.notes.noted().len() == 200).await;
    let receipts = shop.noted().await.split_off(100);
    assert_eq!(receipts, vec!["completed: receipt for Some(\"ana@shop.example\"), attempt 1"; 100]);
    assert_eq!(dead(&shop.athm).await, []);
}

#[tokio::test]
async fn on_a_busy_day_customers_are_read_from_the_report() {
    let shop = Shop::open(&["customer.receipt"]).await;
    join_all((0..200).map(|_| shop.paid(ana()))).await;
    // The clock stands still from then on: the budget is the burst of 20.
    shop.clock.advance(Duration::from_secs(10));
    eventually(async || shop.notes.noted().len() == 200).await;
    let requests = shop.simulator.requests();
    let reports = requests.iter().filter(|request| request.path.ends_with("/transactionReport")).count();
    assert!(shop.searches() <= 20 && (1..=4).contains(&reports), "{} searches, {reports} reports", shop.searches());
}

#[tokio::test]
async fn without_the_providers_word_the_delivery_is_dead_after_half_a_day_and_an_option_is_none() {
    let shop = Shop::open(&["customer.receipt", "customer.letter"]).await;
    shop.tell_nothing();
    shop.paid(ana()).await;
    shop.clock.advance(HALF_A_DAY - Duration::from_secs(1));
    assert_eq!(shop.noted().await, [""; 0]);
    shop.clock.advance(Duration::from_secs(3));
    eventually(async || dead(&shop.athm).await.len() == 1).await;
    assert_eq!(shop.noted().await, ["letter for None"]);
    let dead = dead(&shop.athm).await.remove(0);
    assert_eq!((dead.receiver.as_str(), dead.attempts), ("customer.receipt", 1));
    let error = dead.error.unwrap();
    assert!(error.contains("the provider hasn't named the customer within half a day"), "{error}");
}

#[tokio::test]
async fn a_replay_of_a_dead_delivery_asks_the_provider_again() {
    let shop = Shop::open(&["customer.receipt"]).await;
    shop.tell_nothing();
    let id = shop.paid(ana()).await;
    shop.clock.advance(HALF_A_DAY);
    eventually(async || dead(&shop.athm).await.len() == 1).await;
    let dead = dead(&shop.athm).await.remove(0);
    let replayed = shop.athm.deliveries().replay(dead.id).run().await.unwrap();
    assert_eq!((replayed[0].state, replayed[0].waits_for_customer), (DeliveryState::Due, true));
    shop.tell_all();
    advance_until(&shop.clock, async || shop.notes.noted().len() == 1).await;
    assert_eq!(shop.noted().await, ["completed: receipt for Some(\"ana@shop.example\"), attempt 1"]);
    assert!(shop.payment(&id).await.customer().is_some());
}

#[tokio::test]
async fn a_payment_seen_without_its_number_is_searched_once_the_number_is_known() {
    let shop = Shop::open(&["customer.receipt"]).await;
    let id = shop.simulator.insert(ana());
    let reference = shop.simulator.payment(&id).unwrap().reference_number.unwrap();
    let seen = Transaction::builder(Status::Completed, Amount::from_cents(2500)).ecommerce_id(id);
    shop.athm.record(seen.build(), KIOSK).await.unwrap();
    let message = json!({ "ecommerceId": id, "referenceNumber": reference, "status": "COMPLETED" });
    let body = message.to_string().into_bytes();
    let message = Message::parse("application/json", &body).unwrap();
    shop.athm.receive(message, Sender::WEBHOOK, body).await.unwrap();
    advance_until(&shop.clock, async || shop.notes.noted().len() == 1).await;
}

#[tokio::test]
async fn a_connected_receiver_may_wait_for_the_customer() {
    let (simulator, database) = (Simulator::start().await.unwrap(), Database::default());
    let (clock, notes, dispatcher) = (Clock::manual(), TextRecorder::new(), Dispatcher::empty());
    let recorder = notes.clone();
    let note = move |context: &Context<'_>| {
        recorder
            .note(context.transaction().customer().and_then(|customer| customer.email.as_deref()).unwrap_or("none"));
    };
    let waiting = ReceiverOptions::new("receipt").wait_for_customer();
    dispatcher.connect(waiting, [Signal::Completed, Signal::Cancelled], note).unwrap();
    let builder = verifying_builder(&simulator, &database, dispatcher).clock(clock.clone()).seed(7);
    let athm = builder.start().await.unwrap();
    let paid = payment(1, Status::Completed);
    athm.record(payment(2, Status::Cancelled).build(), KIOSK).await.unwrap();
    athm.idle().await;
    assert_eq!(notes.noted(), ["none"], "a cancelled payment has no customer to wait for");
    athm.record(paid.build(), KIOSK).await.unwrap();
    athm.idle().await;
    assert_eq!(notes.noted().len(), 1);
    let named = Transaction::sample().completed().ecommerce_id(ecommerce_id(1)).customer(ines());
    athm.record(named.build(), KIOSK).await.unwrap();
    athm.idle().await;
    assert_eq!(notes.noted(), ["none", "ines@shop.example"]);
    athm.shutdown(Duration::ZERO).await;
}
