//! An order's row and the intent to open its payment commit together.

use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::sql::IntentState;
use athm_core::{Amount, Item, NewPayment, Status};
use athm_simulator::{Endpoint, Fault, Outage, TestPhone};
use athm_tests::{advance_until, eventually};
use futures_util::future::join_all;

use crate::SimulatorFixture;
use crate::exactly_once::{Driver, Ending};
use crate::own::Own;

fn order() -> NewPayment {
    NewPayment::new(Amount::from_cents(2500), "order-7")
        .tax(Amount::from_cents(258))
        .item(Item::new("Mug", Amount::from_cents(1250)).quantity(2))
}

fn drivers() -> impl Iterator<Item = Driver> {
    Own::DRIVERS.iter().copied().filter(|driver| *driver != Driver::Statement)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_opened_after_the_commit_under_the_id_that_its_order_has() {
    for driver in drivers() {
        let fixture = SimulatorFixture::open().await;
        let own = Own::new(fixture.database());
        let intent = own.order(driver, &fixture.athm, order(), Ending::Commits).await.unwrap();
        assert_eq!(fixture.request_count("/payment"), 0);
        assert_eq!(intent.state().await.unwrap(), Some(IntentState::Due));

        let opened = intent.open().await.unwrap();
        assert_eq!((opened.id(), opened.status(), opened.tax()), (intent.id(), &Status::Open, Amount::from_cents(258)));
        assert_eq!(opened.items().len(), 1);
        assert_eq!(intent.open().await.unwrap(), opened);
        assert_eq!((fixture.request_count("/payment"), own.effects().await), (1, 1));
        // It is a payment like any other.
        fixture.simulator.approve(opened.ecommerce_id().unwrap()).unwrap();
        assert_eq!(fixture.athm.authorize(intent.id()).await.unwrap().status(), &Status::Completed);
        let found = fixture.athm.payment_intent(intent.id()).await.unwrap().unwrap();
        assert_eq!(found.state().await.unwrap(), Some(IntentState::Opened));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_opened_unless_the_transaction_commits() {
    for driver in drivers() {
        let fixture = SimulatorFixture::open().await;
        let own = Own::new(fixture.database());
        let intent = own.order(driver, &fixture.athm, order(), Ending::RollsBack).await.unwrap();
        let refused = intent.open().await;
        assert!(matches!(refused, Err(OperationError::NotCommitted { id }) if id == intent.id()), "{refused:?}");
        assert_eq!(intent.state().await.unwrap(), None);
        assert!(fixture.athm.payment_intent(intent.id()).await.unwrap().is_none());
        assert_eq!((fixture.simulator.payments().len(), own.effects().await), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_the_program_never_opens_is_opened_within_5_seconds() {
    let fixture = SimulatorFixture::open().await;
    let own = Own::new(fixture.database());
    let intent = own.order(Driver::Plain, &fixture.athm, order(), Ending::Commits).await.unwrap();
    fixture.clock.advance(Duration::from_secs(5));
    eventually(async || fixture.athm.transaction(intent.id()).await.unwrap().is_some()).await;
    assert_eq!(fixture.request_count("/payment"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_commit_and_call_the_next_process_opens_the_payment() {
    let mut fixture = SimulatorFixture::open().await;
    let own = Own::new(fixture.database());
    let intent = own.order(Driver::Plain, &fixture.athm, order(), Ending::Commits).await.unwrap();
    // The provider is asked, and the process ends before the answer is recorded.
    fixture.simulator.fail_next(Endpoint::Create, Fault::BadGateway(athm_simulator::Effect::Done));
    assert!(matches!(intent.open().await, Err(OperationError::NotOpenedYet { id, .. }) if id == intent.id()));
    fixture.restart().await;
    advance_until(&fixture.clock, async || fixture.athm.transaction(intent.id()).await.unwrap().is_some()).await;
    let opened = fixture.athm.payment_intent(intent.id()).await.unwrap().unwrap().open().await.unwrap();
    assert_eq!((opened.id(), opened.status()), (intent.id(), &Status::Open));
    // The one whose answer was lost has no token here.
    assert_eq!(fixture.simulator.payments().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_can_not_be_opened_has_failed_by_its_deadline() {
    let mut fixture = SimulatorFixture::open().await;
    let own = Own::new(fixture.database());
    fixture.simulator.fail_with(Outage::Unavailable);
    let timeout = Duration::from_secs(120);
    let intent = own.order(Driver::Plain, &fixture.athm, order().timeout(timeout), Ending::Commits).await.unwrap();
    let written_at = fixture.clock.now();
    assert!(intent.open().await.is_err());
    fixture.restart().await;
    let intent = fixture.athm.payment_intent(intent.id()).await.unwrap().unwrap();
    fixture.clock.advance(timeout - Duration::from_secs(1));
    let has_failed = async || intent.state().await.unwrap() == Some(IntentState::Failed);
    advance_until(&fixture.clock, has_failed).await;
    let waited = fixture.clock.now().duration_since(written_at);
    assert!(waited.as_secs() >= 119 && waited.as_secs() <= 140, "{waited}");
    let refused = intent.open().await;
    assert!(matches!(&refused, Err(OperationError::NotOpened { .. })), "{refused:?}");
    fixture.simulator.recover();
    assert_eq!(fixture.simulator.payments().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_refuses_has_failed_and_may_be_pressed_again() {
    let fixture = SimulatorFixture::open().await;
    let own = Own::new(fixture.database());
    let payment = order().idempotency_key("order-7");
    let intent = own.order(Driver::Plain, &fixture.athm, payment.clone(), Ending::Commits).await.unwrap();
    fixture.simulator.fail_next(Endpoint::Create, Fault::Unauthorized);
    assert!(intent.open().await.is_err());
    assert_eq!(intent.state().await.unwrap(), Some(IntentState::Failed));
    let again = own.order(Driver::Plain, &fixture.athm, payment, Ending::Commits).await.unwrap();
    assert_eq!((again.id(), again.open().await.unwrap().id()), (intent.id(), intent.id()));
    assert_eq!(fixture.simulator.payments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_pressed_twice_opens_one_payment() {
    for driver in drivers() {
        let fixture = SimulatorFixture::open().await;
        let own = Own::new(fixture.database());
        let payment = order().idempotency_key("order-7");
        let (first, second) = (
            own.order(driver, &fixture.athm, payment.clone(), Ending::Commits).await.unwrap(),
            own.order(driver, &fixture.athm, payment.clone(), Ending::Commits).await.unwrap(),
        );
        assert_eq!(first.id(), second.id());
        let presses = (0..8).map(|n| if n % 2 == 0 { first.open() } else { second.open() });
        let opened: Vec<_> = join_all(presses).await.into_iter().map(Result::unwrap).collect();
        assert!(opened.iter().all(|payment| payment.id() == first.id()));
        // Also without a transaction of the program's own.
        assert_eq!(fixture.athm.create(payment.clone()).await.unwrap(), opened[0]);
        assert_eq!(fixture.simulator.payments().len(), 1);

        let other = payment.tax(Amount::from_cents(1));
        let refused = own.order(driver, &fixture.athm, other.clone(), Ending::Commits).await.unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(OperationError::KeyTaken)), "{refused}");
        assert!(matches!(fixture.athm.create(other).await, Err(OperationError::KeyTaken)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_creates_at_once_with_one_key_open_one_payment() {
    let fixture = SimulatorFixture::open().await;
    let creates = (0..8).map(|_| fixture.athm.create(order().idempotency_key("order-7")));
    let created: Vec<_> = join_all(creates).await.into_iter().map(Result::unwrap).collect();
    assert!(created.iter().all(|payment| payment.id() == created[0].id()));
    assert_eq!(fixture.simulator.payments().len(), 1);
    // Without a key, each is one.
    fixture.athm.create(order()).await.unwrap();
    assert_eq!(fixture.simulator.payments().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_with_a_key_that_failed_is_not_opened_behind_the_programs_back_but_by_the_next_call() {
    let fixture = SimulatorFixture::open().await;
    let payment = |phone: &str| order().idempotency_key("order-7").phone(phone.parse().unwrap());
    fixture.simulator.fail_next(Endpoint::Create, Fault::BadGateway(athm_simulator::Effect::Absent));
    let failed = fixture.athm.create(payment("7875550100")).await;
    assert!(failed.is_err(), "{failed:?}");
    // The program may have opened another payment meanwhile.
    for _ in 0..20 {
        fixture.clock.advance(Duration::from_secs(5));
        fixture.athm.idle().await;
    }
    assert_eq!((fixture.request_count("/payment"), fixture.simulator.payments().len()), (1, 0));

    let approving = TestPhone::Approves.number();
    let opened = fixture.athm.create(payment(approving)).await.unwrap();
    assert_eq!(fixture.athm.create(payment(approving)).await.unwrap().id(), opened.id());
    let payments = fixture.simulator.payments();
    assert_eq!(payments.len(), 1);
    assert_eq!(payments[0].status, Status::Confirmed, "the second phone was asked");
}
