//! What takes a person is reported, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use athm_core::problems::{Alert, ProblemKind};
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{Amount, AthmBuilder, NewPayment, NewRefund, Permanent, Rejection, Signal};
use athm_simulator::{Effect, Endpoint, Fault};
use athm_tests::{TestDatabase, TextRecorder, advance_until, completed_payment, payment, trusting_builder};
use serde_json::json;

use crate::{Database, SimulatorFixture};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn noting(builder: AthmBuilder, notes: &TextRecorder) -> AthmBuilder {
    let notes = notes.clone();
    builder.on_alert(move |alert: Alert| notes.note(alert.kind))
}

fn failing(builder: AthmBuilder) -> AthmBuilder {
    builder.connect("fails", [Signal::Completed], |_| Err::<(), _>(Permanent::new("no such order")))
}

/// What was reported when so much was, and a minute later.
async fn reported(clock: &Clock, notes: &TextRecorder, count: usize) -> Vec<String> {
    advance_until(clock, async || notes.noted().len() >= count).await;
    for _ in 0..6 {
        clock.advance(Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    let mut noted = notes.noted();
    noted.sort();
    noted
}

#[tokio::test]
async fn a_mismatch_a_refused_check_an_unresolved_refund_and_a_dead_delivery_are_reported_once() {
    let notes = TextRecorder::new();
    let fixture = SimulatorFixture::open_with(|builder| {
        failing(noting(builder, &notes)).check(|payment| match payment.metadata_1() {
            "order-8" => Err(Rejection::new("order 8 is withdrawn")),
            _ => Ok(()),
        })
    })
    .await;
    fixture.simulator.fail_next(Endpoint::Create, Fault::Total(Amount::from_cents(100)));
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    fixture.callback(json!({ "ecommerceId": open.ecommerce_id(), "status": "OPEN" })).await;
    let paid = fixture.simulator.insert(completed_payment());
    fixture.callback(json!({ "ecommerceId": paid, "status": "COMPLETED" })).await;
    let refused = fixture.simulator.insert(completed_payment().metadata_1("order-8"));
    fixture.callback(json!({ "ecommerceId": refused, "status": "COMPLETED" })).await;
    assert_eq!(reported(&fixture.clock, &notes, 3).await, ["dead_delivery", "mismatch", "refused_check"]);

    let paid = fixture.athm.transaction_by_ecommerce_id(&paid).await.unwrap().unwrap();
    fixture.simulator.fail_next(Endpoint::Refund, Fault::BadGateway(Effect::Absent));
    fixture.athm.refund(paid.id(), NewRefund::full()).await.unwrap_err();
    fixture.clock.advance(DAY - Duration::from_secs(600));
    tokio::task::yield_now().await;
    assert_eq!(notes.noted().len(), 3, "a refund has a day");
    fixture.clock.advance(Duration::from_secs(600));
    advance_until(&fixture.clock, async || notes.noted().len() >= 4).await;
    assert_eq!(notes.noted()[3..], ["unresolved_refund"]);
    fixture.stop().await;
}

#[tokio::test]
async fn an_alert_that_could_not_be_reported_is_tried_again_and_survives_a_restart() {
    let (database, clock, notes) = (Database::default(), Clock::manual(), TextRecorder::new());
    let build = |succeeds: bool| {
        let recorder = notes.clone();
        let builder = failing(trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()));
        builder.clock(clock.clone()).on_alert(move |alert: Alert| {
            let recorder = recorder.clone();
            async move {
                recorder.note(format!("{} {}: {}", alert.kind, alert.attempt, alert.detail.contains("no such order")));
                if succeeds { Ok(()) } else { Err("the mail server is down") }
            }
        })
    };
    let athm = build(false).start().await.unwrap();
    athm.record(payment(1, athm_core::Status::Completed).build(), athm_core::Sender::CALLBACK).await.unwrap();
    athm.idle().await;
    advance_until(&clock, async || notes.noted().len() >= 2).await;
    athm.shutdown(Duration::from_secs(5)).await;
    let tried = notes.noted().len();
    let athm = build(true).start().await.unwrap();
    clock.advance(DAY);
    advance_until(&clock, async || notes.noted().len() > tried).await;
    athm.idle().await;
    athm.shutdown(Duration::from_secs(5)).await;
    let athm = build(true).start().await.unwrap();
    clock.advance(DAY);
    assert_eq!(reported(&clock, &notes, tried + 1).await.len(), tried + 1);
    assert_eq!(notes.noted()[..2], ["dead_delivery 1: true", "dead_delivery 2: true"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_delivery_that_is_dead_again_after_a_replay_is_reported_again() {
    let (database, clock, notes) = (Database::default(), Clock::manual(), TextRecorder::new());
    let builder = failing(trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()));
    let athm = noting(builder, &notes).clock(clock.clone()).start().await.unwrap();
    athm.record(payment(1, athm_core::Status::Completed).build(), athm_core::Sender::CALLBACK).await.unwrap();
    athm.idle().await;
    assert_eq!(reported(&clock, &notes, 1).await, ["dead_delivery"]);
    let dead = athm.deliveries().dead().await.unwrap().remove(0);
    athm.deliveries().replay(dead.id).run().await.unwrap();
    athm.idle().await;
    assert_eq!(reported(&clock, &notes, 2).await, ["dead_delivery"; 2]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_damaged_row_is_reported_once() {
    let (database, clock, notes) = (Database::default(), Clock::manual(), TextRecorder::new());
    let build = || {
        let builder = trusting_builder(&database, athm_core::dispatch::Dispatcher::empty());
        noting(builder, &notes).clock(clock.clone()).connect("ship", [Signal::Completed], |_| Err::<(), _>("not yet"))
    };
    let athm = build().start().await.unwrap();
    athm.record(payment(1, athm_core::Status::Completed).build(), athm_core::Sender::CALLBACK).await.unwrap();
    athm.idle().await;
    athm.shutdown(Duration::from_secs(5)).await;
    database.execute("UPDATE athm_delivery SET signal = 'completed', receiver = 'ship', attempts = -1");
    for _ in 0..2 {
        let athm = build().start().await.unwrap();
        clock.advance(DAY);
        athm.idle().await;
        assert_eq!(reported(&clock, &notes, 1).await, ["damaged_row"]);
        athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn a_report_that_panics_is_tried_again() {
    let (database, clock) = (Database::default(), Clock::manual());
    let builder = failing(trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let report = move |alert: Alert| {
        assert_eq!(alert.kind, ProblemKind::DeadDelivery);
        assert!(counted.fetch_add(1, Ordering::AcqRel) > 0, "the first report panics");
    };
    let athm = builder.clock(clock.clone()).on_alert(report).start().await.unwrap();
    athm.record(payment(1, athm_core::Status::Completed).build(), athm_core::Sender::CALLBACK).await.unwrap();
    advance_until(&clock, async || calls.load(Ordering::Acquire) == 2).await;
    athm.shutdown(Duration::ZERO).await;
}
