//! Creating, authorizing and cancelling payments of our own.

use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::provider::ProviderError;
use athm_core::{Amount, Item, MessageResult, NewPayment, Status};
use athm_simulator::Outage;
use athm_tests::{completed_payment, eventually, payment, trusting_builder};
use futures_util::future::join_all;
use serde_json::json;

use crate::SimulatorFixture;

fn order() -> NewPayment {
    NewPayment::new(Amount::from_cents(2500), "order-7").item(Item::new("Mug", Amount::from_cents(1250)).quantity(2))
}

#[tokio::test]
async fn a_payment_is_created_approved_and_authorized() {
    let fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order().tax(Amount::from_cents(258))).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    assert_eq!((open.status(), open.total(), open.metadata_1()), (&Status::Open, Amount::from_cents(2500), "order-7"));
    assert_eq!(open.deadline(), Some(fixture.clock.now() + Duration::from_secs(600)));
    assert_eq!(fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap(), Some(open.clone()));
    let asked = fixture.simulator.payment(&id).unwrap();
    assert_eq!((asked.total, asked.tax, asked.items.len()), (Amount::from_cents(2500), Amount::from_cents(258), 1));

    let early = fixture.athm.authorize(open.id()).await.unwrap_err();
    assert!(matches!(early, OperationError::Provider(ProviderError::Rejected { .. })), "{early:?}");
    assert!(fixture.noted().await.is_empty());

    fixture.simulator.approve(&id).unwrap();
    let completed = fixture.athm.authorize(open.id()).await.unwrap();
    assert_eq!((completed.id(), completed.status()), (open.id(), &Status::Completed));
    assert!(completed.reference_number().is_some() && completed.fee() > Amount::ZERO);
    assert_eq!(fixture.noted().await, ["received by authorize", "completed by authorize"]);

    assert_eq!(fixture.athm.authorize(open.id()).await.unwrap(), completed);
    assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Known);
    assert_eq!(fixture.noted().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_authorizations_at_once_all_succeed_and_fire_once() {
    let fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order()).await.unwrap();
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    let authorized = join_all((0..8).map(|_| fixture.athm.authorize(open.id()))).await;
    for transaction in authorized {
        assert_eq!(transaction.unwrap().status(), &Status::Completed);
    }
    assert_eq!(fixture.noted().await, ["received by authorize", "completed by authorize"]);
}

#[tokio::test]
async fn an_authorization_whose_outcome_is_unknown_is_read_again_until_it_is_known() {
    let mut fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order()).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    fixture.simulator.approve(&id).unwrap();
    fixture.simulator.fail_with(Outage::BadGatewayPage);
    let OperationError::Provider(error) = fixture.athm.authorize(open.id()).await.unwrap_err() else { panic!() };
    assert!(error.is_outcome_unknown());
    // The request did have its effect.
    fixture.simulator.recover();
    fixture.simulator.insert(completed_payment().ecommerce_id(id));
    fixture.restart().await;
    fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
}

#[tokio::test]
async fn a_payment_is_cancelled_by_the_merchant() {
    let fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order()).await.unwrap();
    let cancelled = fixture.athm.cancel(open.id()).await.unwrap();
    assert_eq!(cancelled.status(), &Status::Cancelled);
    assert_eq!(fixture.noted().await, ["received by cancel", "cancelled by cancel"]);
    assert_eq!(fixture.athm.cancel(open.id()).await.unwrap().status(), &Status::Cancelled);
    assert!(matches!(fixture.athm.authorize(open.id()).await, Err(OperationError::Ended { .. })));
    assert_eq!(fixture.noted().await.len(), 2);
}

#[tokio::test]
async fn a_cancellation_whose_outcome_is_unknown_is_read_again_until_it_is_known() {
    let mut fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order()).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    fixture.simulator.fail_with(Outage::BadGatewayPage);
    assert!(matches!(fixture.athm.cancel(open.id()).await, Err(OperationError::Provider(_))));
    fixture.simulator.recover();
    fixture.simulator.decline(&id).unwrap();
    fixture.restart().await;
    // On a shared database it is another process's question until its time has come.
    fixture.clock.advance(Duration::from_secs(120));
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by cancel", "cancelled by cancel"]);
}

#[tokio::test]
async fn a_completed_payment_is_not_cancelled_and_its_completion_is_recorded() {
    let fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order()).await.unwrap();
    fixture.simulator.insert(completed_payment().ecommerce_id(*open.ecommerce_id().unwrap()));
    assert!(matches!(fixture.athm.cancel(open.id()).await, Err(OperationError::Completed { .. })));
    assert_eq!(fixture.noted().await, ["received by cancel", "completed by cancel"]);
}

#[tokio::test]
async fn a_cancel_past_our_deadline_is_recorded_as_expired() {
    let fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order()).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    fixture.simulator.skip(Duration::from_secs(601));
    fixture.clock.advance(Duration::from_secs(601));
    assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "CANCEL" })).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await, ["received by callback", "expired by callback"]);
}

#[tokio::test]
async fn the_auth_token_survives_a_restart_and_is_erased_after_fifteen_minutes() {
    let mut fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(order()).await.unwrap();
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    fixture.restart().await;
    assert_eq!(fixture.athm.authorize(open.id()).await.unwrap().status(), &Status::Completed);

    let old = fixture.athm.create(order()).await.unwrap();
    fixture.clock.advance(Duration::from_secs(16 * 60));
    fixture.restart().await;
    eventually(async || {
        matches!(
            fixture.athm.authorize(old.id()).await,
            Err(OperationError::NoAuthToken { .. } | OperationError::Ended { .. })
        )
    })
    .await;
}

#[tokio::test]
async fn an_impossible_operation_is_an_error_with_the_reason() {
    let fixture = SimulatorFixture::open().await;
    let invalid = fixture.athm.create(NewPayment::new(Amount::from_cents(99), "order-7")).await.unwrap_err();
    assert!(matches!(invalid, OperationError::Provider(ProviderError::Invalid(_))));
    assert!(fixture.simulator.requests().is_empty());

    let stranger = payment(1, Status::Open).build();
    assert!(matches!(fixture.athm.authorize(stranger.id()).await, Err(OperationError::UnknownTransaction { .. })));
    let database = athm_tests::SqliteDatabase::new();
    let trusting = trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()).start().await.unwrap();
    assert!(matches!(trusting.create(order()).await, Err(OperationError::NoProvider)));
    trusting.shutdown(Duration::ZERO).await;
}
