//! Receivers that act: with the handle as a parameter, and with the event that they hear of.

use std::sync::Arc;
use std::time::Duration;

use athm_core::deliveries::DeliveryState;
use athm_core::errors::{OperationError, StoreError};
use athm_core::refunds::RefundState;
use athm_core::testing::Recorder;
use athm_core::transactions::{Event, TransactionQuery, Transition};
use athm_core::{
    Amount, Athm, BoxError, Context, Delivery, FromContext, NewRefund, Sender, Signal, State, Status, Transaction,
    receiver,
};
use athm_tests::{
    MerchantFault, TextRecorder, completed_payment, eventually, linked_dispatcher, payment, trusting_builder,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::{Database, MerchantFixture, SimulatorFixture};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[receiver(completed, id = "acting.pay_once")]
async fn pay_once(transaction: &Transaction, athm: Athm, State(recorder): State<TextRecorder>) -> Result<(), BoxError> {
    let of_order = TransactionQuery::new().metadata_1(transaction.metadata_1()).status(Status::Completed);
    let paid = athm.transactions(of_order).await?;
    match paid.transactions().last() {
        Some(first) if first.id() != transaction.id() => {
            let refund = athm.refund(transaction.id(), NewRefund::full()).await?;
            recorder.note(format!("{} given back", refund.amount));
        }
        _ => recorder.note("kept"),
    }
    Ok(())
}

#[receiver(received, id = "acting.audit")]
fn audit(event: &Event, signal: Signal, State(recorder): State<TextRecorder>) {
    let what = match event.transition() {
        Transition::Refunded(refund) => format!("refund of {}", refund.amount),
        other => format!("{other:?}"),
    };
    recorder.note(format!("{signal}: {what} by {}", event.sender()));
}

#[tokio::test]
async fn a_receiver_refunds_a_double_payment_and_an_auditor_tells_the_refund_from_the_completions() {
    let recorder = TextRecorder::new();
    let dispatcher = linked_dispatcher("acting.").state(recorder.clone());
    let fixture = SimulatorFixture::open_with(|builder| builder.dispatcher(dispatcher)).await;
    for _ in 0..2 {
        let id = fixture.simulator.insert(completed_payment());
        fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
        fixture.athm.idle().await;
        fixture.clock.advance(Duration::from_secs(1));
    }
    // Another order's payment isn't looked at.
    let id = fixture.simulator.insert(completed_payment().metadata_1("order-8"));
    fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
    fixture.athm.idle().await;
    let mut noted = recorder.noted();
    noted.sort();
    let completed = "received: Completed by webhook";
    let refunded = "received: refund of 25.00 by refund";
    assert_eq!(noted, ["25.00 given back", "kept", "kept", completed, completed, completed, refunded]);
    fixture.stop().await;
}

#[tokio::test]
async fn idle_waits_for_the_refund_of_a_receiver_that_has_overrun_its_timeout() {
    let deliveries = Recorder::default();
    let started = deliveries.clone();
    let merchant = MerchantFixture::open_with(|builder| {
        builder.connect("refund", [Signal::Completed], move |context| {
            started.note(Delivery::from_context(context).unwrap().idempotency_key());
            let (athm, id) = (Athm::from_context(context), context.transaction().id());
            async move { athm?.refund(id, NewRefund::full()).await.map(drop).map_err(BoxError::from) }
        })
    })
    .await;
    let open = merchant.create().await;
    let answer = Arc::new(Notify::new());
    merchant.fail_next("/refund", MerchantFault::ResponseHeld(Arc::clone(&answer)));
    merchant.approve();
    merchant.athm.authorize(open.id()).await.unwrap();
    let is_asked = async || merchant.provider.requests().iter().any(|request| request.path.ends_with("/refund"));
    eventually(is_asked).await;
    merchant.clock.advance(Duration::from_secs(31));
    // The receiver has failed, and its delivery waits for its next attempt: only the refund is under way.
    let id = deliveries.noted()[0];
    let is_due = async || merchant.athm.deliveries().get(id).await.unwrap().unwrap().state == DeliveryState::Due;
    eventually(is_due).await;
    let idle = merchant.athm.idle();
    tokio::pin!(idle);
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut idle).await;
    assert!(waited.is_err(), "the refund is still under way");
    answer.notify_one();
    idle.await;
    let refunds = merchant.athm.refunds().of(open.id()).await.unwrap();
    assert_eq!(refunds.iter().map(|refund| refund.state).collect::<Vec<_>>(), [RefundState::Done]);
    merchant.athm.shutdown(DAY).await;
}

#[receiver(completed, id = "keeping.handle")]
fn keep(athm: Athm, State(kept): State<Recorder<Athm>>) {
    kept.note(athm);
}

#[tokio::test]
async fn a_receivers_handle_answers_closed_after_a_shutdown() {
    let kept = Recorder::<Athm>::default();
    let dispatcher = linked_dispatcher("keeping.").state(kept.clone());
    let fixture = SimulatorFixture::open_with(|builder| builder.dispatcher(dispatcher)).await;
    let id = fixture.simulator.insert(completed_payment());
    fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
    let athm = kept.wait_for(1).await.remove(0);
    let paid = athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
    fixture.stop().await;
    let refunded = athm.refund(paid.id(), NewRefund::full()).await;
    assert!(matches!(refunded, Err(OperationError::Closed)), "{refunded:?}");
    let read = athm.transaction(paid.id()).await;
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
}

#[tokio::test]
async fn a_receivers_handle_keeps_no_program_running() {
    let (database, kept) = (Database::new(), Recorder::<Athm>::default());
    let dispatcher = linked_dispatcher("keeping.").state(kept.clone());
    let athm = trusting_builder(&database, dispatcher).start().await.unwrap();
    athm.record(payment(1, Status::Completed).build(), Sender::CALLBACK).await.unwrap();
    let kept = kept.wait_for(1).await.remove(0);
    athm.idle().await;
    drop(athm);
    let body = br#"{"status": "completed", "referenceNumber": "12-ab", "total": "25.00", "metadata1": "order-8"}"#;
    let message = athm_core::Message::parse("application/json", body).unwrap();
    let received = kept.receive(message, Sender::CALLBACK, body.to_vec()).await;
    assert!(matches!(received, Err(StoreError::Closed)), "{received:?}");
}

#[tokio::test]
async fn a_dispatch_by_hand_has_no_event_and_the_handle_that_it_was_given() {
    let (recorder, paid) = (TextRecorder::new(), payment(1, Status::Completed).build());
    let notes = recorder.clone();
    let dispatcher = athm_core::dispatch::Dispatcher::empty();
    let note = move |context: &Context<'_>| {
        let (event, handle) = (<&Event>::from_context(context), Athm::from_context(context));
        notes.note(format!("{}, {}", event.is_err(), handle.is_err()));
    };
    dispatcher.connect("note", [Signal::Completed], note).unwrap();
    let database = Database::new();
    let athm = trusting_builder(&database, dispatcher.clone()).start().await.unwrap();
    assert!(dispatcher.dispatch(&paid, Sender::CALLBACK).await.is_ok());
    assert!(dispatcher.clone().state(athm.clone()).dispatch(&paid, Sender::CALLBACK).await.is_ok());
    assert!(athm.dispatch(&paid, Sender::CALLBACK).await.is_ok());
    assert_eq!(recorder.noted(), ["true, true", "true, false", "true, false"]);
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_receiver_alone_gets_the_event_of_its_payment() {
    let recorder = TextRecorder::new();
    let refunded = Transaction::sample().refunded("5.00").build();
    let call = athm_core::testing::call("acting.audit", &refunded).state(recorder.clone());
    call.clone().refund(Amount::from_cents(200), Amount::from_cents(500)).signal(Signal::Received).await.unwrap();
    call.signal(Signal::Received).sender(Sender::WEBHOOK).await.unwrap();
    assert_eq!(recorder.noted(), ["received: refund of 2.00 by callback", "received: Completed by webhook"]);
}
