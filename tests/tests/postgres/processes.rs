//! Several processes on one database. Each has an `Athm` of its own, with connections and threads of its own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::errors::{StartError, StoreError};
use athm_core::ids::ReferenceNumber;
use athm_core::problems::Alert;
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{
    Amount, Athm, Context, Delivery, FromContext, Message, MessageResult, NewPayment, NewRefund, Permanent, Sender,
    Signal, Status,
};
use athm_simulator::{Outage, Simulator};
use athm_tests::{
    MerchantFault, TextRecorder, advance_until, completed_payment, eventually, payment, trusting_builder,
    verifying_builder,
};
use futures_util::future::{join, join_all};
use serde_json::json;
use tokio::sync::Notify;

use crate::{Database, MerchantFixture};

const KIOSK: Sender = Sender::from_static("kiosk");

async fn process(database: &Database, clock: &Clock, recorder: &TextRecorder) -> Athm {
    let dispatcher = Dispatcher::empty();
    let notes = recorder.clone();
    let note = move |context: &Context<'_>| {
        let delivery = Delivery::from_context(context).unwrap();
        notes.note(format!("{} {}", delivery.idempotency_key(), delivery.attempt()))
    };
    dispatcher.connect("ship", [Signal::Completed], note).unwrap();
    trusting_builder(database, dispatcher).clock(clock.clone()).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_2_the_same_payment_in_three_processes_at_once_fires_once() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::system());
    let processes = join_all((0..3).map(|_| process(&database, &clock, &recorder))).await;
    let news = (0..40).flat_map(|n| (0..6).map(move |turn| (n, turn))).map(|(n, turn)| {
        let athm = processes[turn % 3].clone();
        let reference = format!("reference-{n}").parse().unwrap();
        tokio::spawn(async move {
            // By its ecommerceId, by its reference, or by both: two rows may turn out to be one.
            let mut seen = payment(n, Status::Completed).build();
            if turn >= 3 {
                seen = payment(n, Status::Completed).reference_number(reference).build();
            }
            athm.record(seen, KIOSK).await.unwrap().events().len()
        })
    });
    let fired: usize = join_all(news).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(fired, 40);
    assert_eq!(database.query("SELECT count(*) FROM athm_transaction"), ["40"]);
    assert_eq!(database.query("SELECT count(*) FROM athm_event"), ["40"]);
    recorder.wait_for(40).await;
    for athm in &processes {
        athm.idle().await;
        athm.shutdown(Duration::from_secs(5)).await;
    }
    let ran: HashSet<_> = recorder.noted().into_iter().collect();
    assert_eq!((ran.len(), recorder.noted().len()), (40, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_the_deliveries_of_a_dead_process_are_claimed_when_their_leases_end() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (stuck, never) = mpsc::channel::<()>();
    let (notes, never) = (recorder.clone(), Arc::new(Mutex::new(never)));
    let dispatcher = Dispatcher::empty();
    dispatcher
        .connect("ship", [Signal::Completed], move |_| {
            notes.note("begins and dies");
            let _ = never.lock().unwrap().recv();
        })
        .unwrap();
    let dying = trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    dying.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    recorder.wait_for(1).await;
    drop(dying);

    let heir = process(&database, &clock, &recorder).await;
    clock.advance(Duration::from_secs(29));
    heir.idle().await;
    assert_eq!(recorder.noted().len(), 1);
    clock.advance(Duration::from_secs(2));
    heir.idle().await;
    // The process that died costs it no attempt.
    assert!(recorder.wait_for(2).await[1].ends_with(" 1"), "{:?}", recorder.noted());
    heir.shutdown(Duration::ZERO).await;
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_deliveries_wait_for_a_process_that_has_their_receiver() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let bills = || {
        let (dispatcher, notes) = (Dispatcher::empty(), recorder.clone());
        dispatcher.connect("bill", [Signal::Cancelled], move |_| notes.note("bill")).unwrap();
        trusting_builder(&database, dispatcher).clock(clock.clone())
    };
    let old = bills().start().await.unwrap();
    // The new process has one place, which the first delivery keeps: the second is made, and never started.
    let (stuck, never) = mpsc::channel::<()>();
    let (notes, never, dispatcher) = (recorder.clone(), Mutex::new(never), Dispatcher::empty());
    let hold = move |_: &Context<'_>| {
        notes.note("held");
        let _ = never.lock().unwrap().recv();
    };
    dispatcher.connect("ship", [Signal::Completed], hold).unwrap();
    let young = trusting_builder(&database, dispatcher).clock(clock.clone()).concurrency(1).start().await.unwrap();
    young.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    recorder.wait_for(1).await;
    young.record(payment(2, Status::Completed).build(), KIOSK).await.unwrap();
    young.shutdown(Duration::ZERO).await;

    let waiting = || database.query("SELECT state || ' ' || interruptions FROM athm_delivery ORDER BY interruptions");
    assert_eq!(waiting(), ["due 0", "due 1"]);
    // However long that takes, who doesn't know the receiver leaves them alone, and does its own work meanwhile.
    for n in 3..8 {
        clock.advance(Duration::from_secs(3600));
        old.record(payment(n, Status::Cancelled).build(), KIOSK).await.unwrap();
        old.idle().await;
    }
    old.shutdown(Duration::from_secs(5)).await;
    let restarted = bills().start().await.unwrap();
    restarted.idle().await;
    assert_eq!(recorder.noted(), ["held", "bill", "bill", "bill", "bill", "bill"]);
    let of_ship = "SELECT state || ' ' || attempts FROM athm_delivery WHERE receiver = 'ship'";
    assert_eq!(database.query(of_ship), ["due 0", "due 0"]);

    let heir = process(&database, &clock, &recorder).await;
    heir.idle().await;
    let attempts: Vec<_> = recorder.wait_for(8).await.split_off(6);
    assert!(attempts.iter().all(|ran| ran.ends_with(" 1")), "{attempts:?}");
    assert_eq!(database.query(of_ship), ["succeeded 1", "succeeded 1"]);
    for athm in [restarted, heir] {
        athm.shutdown(Duration::from_secs(5)).await;
    }
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_what_a_busy_process_claimed_ahead_runs_in_an_idle_one() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (go_on, gate) = mpsc::channel::<()>();
    let (notes, gate, dispatcher) = (recorder.clone(), Mutex::new(gate), Dispatcher::empty());
    let wait = move |_: &Context<'_>| {
        let _ = gate.lock().unwrap().recv();
        notes.note("busy");
    };
    dispatcher.connect("ship", [Signal::Completed], wait).unwrap();
    let busy = trusting_builder(&database, dispatcher).clock(clock.clone()).concurrency(1).start().await.unwrap();
    for n in 1..=3 {
        go_on.send(()).unwrap();
        busy.record(payment(n, Status::Completed).build(), KIOSK).await.unwrap();
    }
    busy.idle().await;
    for n in 4..=7 {
        busy.record(payment(n, Status::Completed).build(), KIOSK).await.unwrap();
    }
    assert_eq!(database.query("SELECT count(*) FROM athm_delivery WHERE state = 'running'"), ["4"]);
    let idle = process(&database, &clock, &recorder).await;
    advance_until(&clock, async || recorder.noted().len() == 6).await;
    drop(go_on);
    busy.idle().await;
    let (here, elsewhere): (Vec<_>, Vec<_>) = recorder.noted().into_iter().partition(|ran| ran == "busy");
    assert_eq!((here.len(), elsewhere.len()), (4, 3));
    assert!(elsewhere.iter().all(|ran| ran.ends_with(" 1")), "{elsewhere:?}");
    for athm in [busy, idle] {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_a_backlog_is_shared_and_runs_once() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::system());
    let none = Dispatcher::empty();
    none.connect("ship", [Signal::Completed], |_| ()).unwrap();
    let maker = process(&database, &clock, &recorder).await;
    for n in 0..100 {
        maker.record(payment(n, Status::Completed).build(), KIOSK).await.unwrap();
    }
    maker.idle().await;
    maker.shutdown(Duration::from_secs(5)).await;
    assert_eq!(recorder.noted().len(), 100);
    // All of them are due again, at once, and no process runs.
    database.query("UPDATE athm_delivery SET state = 'due', attempts = 0, due_at = now(), finished_at = NULL");
    let processes = join_all((0..3).map(|_| process(&database, &clock, &recorder))).await;
    recorder.wait_for(200).await;
    for athm in &processes {
        athm.idle().await;
    }
    eventually(async || database.query("SELECT count(*) FROM athm_delivery WHERE state = 'succeeded'") == ["100"])
        .await;
    assert_eq!(recorder.noted().len(), 200);
    for athm in processes {
        athm.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authorizations_of_three_processes_at_once_make_one_call() {
    let merchant = MerchantFixture::open().await;
    let (open, go) = (merchant.create().await, Arc::new(Notify::new()));
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::ResponseHeld(Arc::clone(&go)));
    let processes = [merchant.athm.clone(), merchant.another().await, merchant.another().await];
    let authorizing = (0..24).map(|n| processes[n % 3].authorize(open.id()));
    let release = async {
        eventually(async || merchant.provider.request_count("/authorization") == 1).await;
        go.notify_one();
    };
    let (authorized, ()) = join(join_all(authorizing), release).await;
    assert!(authorized.into_iter().all(|payment| payment.unwrap().status() == &Status::Completed));
    assert_eq!(merchant.provider.request_count("/authorization"), 1);
    assert_eq!(merchant.database.query("SELECT count(*) FROM athm_event"), ["1"]);
    assert_eq!(merchant.database.query("SELECT count(*) FROM athm_operation"), ["0"]);
    for athm in &processes {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_in_a_rolling_deploy_old_processes_claim_no_delivery_of_a_new_receiver() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let old = {
        let dispatcher = Dispatcher::empty();
        let notes = recorder.clone();
        dispatcher.connect("bill", [Signal::Completed], move |_| notes.note("bill")).unwrap();
        trusting_builder(&database, dispatcher).clock(clock.clone()).start().await.unwrap()
    };
    // The new one fails at its first try, and is gone before the second.
    let failing = Dispatcher::empty();
    failing.connect("ship", [Signal::Completed], |_| Err::<(), _>("not yet")).unwrap();
    let young = trusting_builder(&database, failing).clock(clock.clone()).start().await.unwrap();
    young.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    young.idle().await;
    young.shutdown(Duration::ZERO).await;
    let before = old.record(payment(2, Status::Completed).build(), KIOSK).await.unwrap();
    for _ in 0..4 {
        clock.advance(Duration::from_secs(10));
        old.idle().await;
    }
    assert_eq!(recorder.noted(), ["bill"], "an old process runs what it knows, and nothing else");
    assert_eq!(database.query("SELECT receiver FROM athm_delivery WHERE state = 'due'"), ["ship"]);

    let new = process(&database, &clock, &recorder).await;
    new.idle().await;
    let shipped = recorder.wait_for(2).await;
    assert!(shipped[1].ends_with(" 2"), "{shipped:?}");
    // The old process made no delivery for the new receiver: the event is replayed to it.
    new.deliveries().replay_event(before.events()[0].id(), "ship").run().await.unwrap();
    new.idle().await;
    assert_eq!(recorder.wait_for(3).await.len(), 3);
    old.shutdown(Duration::ZERO).await;
    new.shutdown(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_rolling_deploy_old_processes_keep_working_after_a_new_one_migrates() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let old = process(&database, &Clock::system(), &recorder).await;
    old.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    // What a later version would do: it adds to what is there.
    database.query(
        "ALTER TABLE athm_transaction ADD COLUMN channel TEXT; CREATE TABLE athm_channel (name TEXT); \
         INSERT INTO athm_migration (version) VALUES (99)",
    );
    old.record(payment(2, Status::Completed).build(), KIOSK).await.unwrap();
    database.cut();
    eventually(async || old.record(payment(3, Status::Completed).build(), KIOSK).await.is_ok()).await;
    old.ping().await.unwrap();
    assert_eq!(recorder.wait_for(3).await.len(), 3);
    old.shutdown(Duration::from_secs(5)).await;
    let again = trusting_builder(&database, Dispatcher::empty()).start().await;
    assert!(matches!(again, Err(StartError::Store(StoreError::Newer { found: 99, .. }))), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_of_three_processes_at_once_never_exceed_the_total() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    let processes = [merchant.athm.clone(), merchant.another().await, merchant.another().await];
    let refunds = (0..12).map(|n| processes[n % 3].refund(paid.id(), NewRefund::partial(Amount::from_cents(1000))));
    let refunds = join_all(refunds).await;
    assert_eq!(refunds.iter().filter(|refund| refund.is_ok()).count(), 2, "{refunds:?}");
    assert_eq!((merchant.refunded(), merchant.provider.request_count("/refund")), (2000, 2));
    assert_eq!(merchant.database.query("SELECT sum(amount) FROM athm_refund WHERE state = 'done'"), ["2000"]);
    for athm in &processes {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_payments_are_polled_by_one_process_at_a_time_and_fire_once() {
    let fixture = crate::SimulatorFixture::open_with_sweeper(|builder| builder).await;
    let mut others = Vec::new();
    for _ in 0..2 {
        let builder = verifying_builder(&fixture.simulator, fixture.database(), fixture.recorder.listening());
        others.push(builder.clock(fixture.clock.clone()).start().await.unwrap());
    }
    for n in 0..30 {
        let payment = NewPayment::new(Amount::from_cents(2500), format!("order-{n}"));
        let open = fixture.athm.create(payment).await.unwrap();
        fixture.simulator.decline(open.ecommerce_id().unwrap()).unwrap();
    }
    fixture.clock.advance(Duration::from_secs(20));
    assert_eq!(fixture.recorder.wait_for(60).await.len(), 60);
    for athm in &others {
        athm.idle().await;
    }
    assert_eq!(fixture.noted().await.len(), 60);
    assert_eq!(fixture.request_count("/findPayment"), 30);
    for athm in &others {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_5_a_pending_message_is_looked_up_by_one_process_at_a_time() {
    let fixture = crate::SimulatorFixture::open_with(|builder| builder.unknown_payment_rate_limit(1000, 1000)).await;
    let mut others = Vec::new();
    for _ in 0..2 {
        let builder = verifying_builder(&fixture.simulator, fixture.database(), fixture.recorder.listening());
        let builder = builder.unknown_payment_rate_limit(1000, 1000).without_sweeper();
        others.push(builder.clock(fixture.clock.clone()).start().await.unwrap());
    }
    fixture.simulator.fail_with(Outage::Unavailable);
    let payments: Vec<_> = (0..30).map(|_| fixture.simulator.insert(completed_payment())).collect();
    for id in &payments {
        let receipt = fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
        assert_eq!(receipt, MessageResult::Pending);
    }
    fixture.simulator.recover();
    let before = fixture.request_count("/findPayment");
    fixture.clock.advance(Duration::from_secs(6));
    assert_eq!(fixture.recorder.wait_for(60).await.len(), 60);
    eventually(async || fixture.database().query("SELECT count(*) FROM athm_inbox") == ["0"]).await;
    assert_eq!(fixture.request_count("/findPayment") - before, 30);
    for athm in &others {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_5_the_lookup_of_a_dead_process_is_taken_over_by_another() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.set_status("COMPLETED");
    let asked = || merchant.provider.request_count("/findPayment");
    merchant.fail_next("/findPayment", MerchantFault::RequestLost);
    let body = json!({ "ecommerceId": open.ecommerce_id(), "status": "COMPLETED" }).to_string().into_bytes();
    let callback = Message::parse("application/json", &body).unwrap();
    assert_eq!(merchant.athm.receive(callback, Sender::CALLBACK, body).await.unwrap(), MessageResult::Pending);
    let go = Arc::new(Notify::new());
    merchant.fail_next("/findPayment", MerchantFault::RequestHeld(Arc::clone(&go)));
    merchant.clock.advance(Duration::from_secs(6));
    eventually(async || asked() == 2).await;
    let heir = merchant.another().await;
    merchant.athm.shutdown(Duration::ZERO).await;

    merchant.clock.advance(Duration::from_secs(110));
    heir.ping().await.unwrap();
    assert_eq!(asked(), 2, "it is another one's");
    merchant.clock.advance(Duration::from_secs(20));
    assert_eq!(merchant.recorder.wait_for(2).await, ["received by callback", "completed by callback"]);
    assert_eq!(asked(), 3);
    go.notify_one();
    heir.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_by_ecommerce_id_and_by_reference_in_two_processes_leave_one_row_and_fire_once() {
    let fixture = crate::SimulatorFixture::open_with(|builder| builder.unknown_payment_rate_limit(1000, 1000)).await;
    let other = verifying_builder(&fixture.simulator, fixture.database(), fixture.recorder.listening());
    let other = other.unknown_payment_rate_limit(1000, 1000).without_sweeper().clock(fixture.clock.clone());
    let other = other.start().await.unwrap();
    for n in 1..=8 {
        let payment = NewPayment::new(Amount::from_cents(2500), "order-7");
        let id = *fixture.athm.create(payment).await.unwrap().ecommerce_id().unwrap();
        let reference: ReferenceNumber = format!("61-race-{n}").parse().unwrap();
        fixture.simulator.insert(completed_payment().ecommerce_id(id).reference_number(reference.clone()));
        let messages = (0..64).map(|turn| {
            let athm = if turn % 4 < 2 { fixture.athm.clone() } else { other.clone() };
            let body = match turn % 2 {
                0 => json!({ "ecommerceId": id, "status": "COMPLETED" }),
                _ => json!({ "referenceNumber": reference, "status": "completed" }),
            };
            let body = body.to_string().into_bytes();
            let callback = Message::parse("application/json", &body).unwrap();
            async move { athm.receive(callback, Sender::WEBHOOK, body).await.unwrap() }
        });
        let receipts = join_all(messages).await;
        assert_eq!(receipts.iter().filter(|receipt| **receipt == MessageResult::Recorded).count(), 1, "round {n}");
        other.idle().await;
        fixture.noted().await;
        assert_eq!(fixture.database().query("SELECT count(*) FROM athm_transaction"), [n.to_string()]);
        assert_eq!(fixture.database().query("SELECT count(*) FROM athm_event"), [n.to_string()]);
    }
    assert_eq!(fixture.recorder.noted().len(), 16);
    other.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_waits_for_its_customer_outlives_its_process_and_runs_once_in_one_of_three() {
    let (simulator, database) = (Simulator::start().await.unwrap(), Database::new());
    let (recorder, clock) = (TextRecorder::new(), Clock::manual());
    let shop = async || {
        let (dispatcher, notes) = (Dispatcher::empty(), recorder.clone());
        let note = move |context: &Context<'_>| {
            let delivery = Delivery::from_context(context).unwrap();
            let email = context.transaction().customer().and_then(|customer| customer.email.clone());
            notes.note(format!("{} {}", email.unwrap_or_default(), delivery.attempt()));
        };
        let receipt = ReceiverOptions::new("receipt").wait_for_customer();
        dispatcher.connect(receipt, [Signal::Completed], note).unwrap();
        verifying_builder(&simulator, &database, dispatcher).clock(clock.clone()).seed(7).start().await.unwrap()
    };
    let dying = shop().await;
    for _ in 0..12 {
        let id = simulator.insert(completed_payment().customer_email("ana@shop.example"));
        let body = json!({ "ecommerceId": id, "status": "COMPLETED" }).to_string().into_bytes();
        let message = Message::parse("application/json", &body).unwrap();
        assert_eq!(dying.receive(message, Sender::WEBHOOK, body).await.unwrap(), MessageResult::Recorded);
    }
    drop(dying);
    let waiting = "SELECT count(*) FROM athm_delivery WHERE waits_for_customer AND state = 'due' AND attempts = 0";
    assert_eq!(database.query(waiting), ["12"]);
    let processes = [shop().await, shop().await, shop().await];
    advance_until(&clock, async || recorder.noted().len() == 12).await;
    for athm in &processes {
        athm.idle().await;
        athm.shutdown(Duration::from_secs(5)).await;
    }
    assert_eq!(recorder.noted(), vec!["ana@shop.example 1"; 12]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_reported_once_by_one_of_three_processes() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let start = async || {
        let notes = recorder.clone();
        let builder = trusting_builder(&database, Dispatcher::empty()).clock(clock.clone());
        let builder = builder.connect("ship", [Signal::Completed], |_| Err::<(), _>(Permanent::new("no such order")));
        builder.on_alert(move |alert: Alert| notes.note(alert.id)).start().await.unwrap()
    };
    let processes = [start().await, start().await, start().await];
    for n in 0..30 {
        processes[n as usize % 3].record(payment(n, Status::Completed).build(), KIOSK).await.unwrap();
    }
    for athm in &processes {
        athm.idle().await;
    }
    advance_until(&clock, async || recorder.noted().len() >= 30).await;
    for _ in 0..20 {
        clock.advance(Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    let mut reported = recorder.noted();
    assert_eq!(reported.len(), 30);
    reported.sort();
    reported.dedup();
    assert_eq!(reported.len(), 30);
    let stored = "SELECT count(*) FROM athm_alert WHERE reported_at IS NOT NULL";
    eventually(async || database.query(stored) == ["30"]).await;
    for athm in &processes {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}
