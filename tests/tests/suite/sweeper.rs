//! Payments of which no message tells: open ones are polled until they have ended, and of completed ones it is asked who
//! paid.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{Amount, Customer, MessageResult, NewPayment, Status, Transaction};
use athm_simulator::{Outage, Simulator};
use athm_tests::{TextRecorder, completed_payment, eventually, verifying_builder};
use serde_json::json;

use crate::{Database, SimulatorFixture};

async fn sweeping() -> SimulatorFixture {
    SimulatorFixture::open_with_sweeper(|builder| builder.seed(7)).await
}

async fn authorizing() -> SimulatorFixture {
    SimulatorFixture::open_with_sweeper(|builder| builder.seed(7).authorize_confirmed()).await
}

async fn open(fixture: &SimulatorFixture) -> (Transaction, EcommerceId) {
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    (open, id)
}

/// Lets time pass, on both sides.
fn pass(fixture: &SimulatorFixture, seconds: u64) {
    fixture.clock.advance(Duration::from_secs(seconds));
    fixture.simulator.skip(Duration::from_secs(seconds));
}

async fn customer_of(fixture: &SimulatorFixture, id: &EcommerceId) -> Option<Customer> {
    fixture.athm.transaction_by_ecommerce_id(id).await.unwrap().unwrap().customer().cloned()
}

#[tokio::test]
async fn a_declined_checkout_is_recorded_without_any_message() {
    let fixture = sweeping().await;
    let (open, id) = open(&fixture).await;
    fixture.simulator.decline(&id).unwrap();
    pass(&fixture, 19);
    assert_eq!(fixture.request_count("/findPayment"), 0);
    pass(&fixture, 1);
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by sweeper", "cancelled by sweeper"]);
    assert_eq!(fixture.request_count("/findPayment"), 1);
    assert_eq!(fixture.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Cancelled);
    // It is final, so it isn't polled any more.
    fixture.clock.advance(Duration::from_secs(100_000));
    assert_eq!((fixture.noted().await.len(), fixture.request_count("/findPayment")), (2, 1));
}

#[tokio::test]
async fn an_unapproved_checkout_expires_without_any_message() {
    let fixture = sweeping().await;
    open(&fixture).await;
    pass(&fixture, 610);
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by sweeper", "expired by sweeper"]);
    assert_eq!(fixture.request_count("/findPayment"), 1);
}

#[tokio::test]
async fn one_clock_moves_athm_and_the_simulator_so_that_skipped_time_expires_a_checkout() {
    let (clock, database, recorder) = (Clock::manual(), Database::default(), TextRecorder::new());
    let simulator = Simulator::builder().clock(clock.clone()).start().await.unwrap();
    let builder = verifying_builder(&simulator, &database, recorder.listening()).clock(clock.clone());
    let athm = builder.start().await.unwrap();
    athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    simulator.skip(Duration::from_secs(11 * 60));
    athm.idle().await;
    assert_eq!(recorder.noted(), ["received by sweeper", "expired by sweeper"]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn idle_waits_for_the_polls_and_searches_that_are_due() {
    let fixture = authorizing().await;
    let mut payments = Vec::new();
    for _ in 0..5 {
        payments.push(open(&fixture).await.1);
    }
    payments.iter().for_each(|id| fixture.simulator.approve(id).unwrap());
    fixture.athm.idle().await;
    assert_eq!(fixture.request_count("/findPayment"), 0);
    // The poll authorizes, what that completes runs receivers, and then the customers are searched.
    pass(&fixture, 25);
    fixture.athm.idle().await;
    assert_eq!(fixture.recorder.noted().len(), 10);
    pass(&fixture, 60);
    fixture.athm.idle().await;
    for id in &payments {
        assert!(customer_of(&fixture, id).await.is_some());
    }
}

#[tokio::test]
async fn idle_does_not_wait_for_polls_that_the_rate_limit_holds_back() {
    let fixture = sweeping().await;
    for _ in 0..50 {
        open(&fixture).await;
    }
    pass(&fixture, 20);
    fixture.athm.idle().await;
    assert_eq!(fixture.request_count("/findPayment"), 20);
    pass(&fixture, 10);
    fixture.athm.idle().await;
    assert_eq!(fixture.request_count("/findPayment"), 40);
}

#[tokio::test]
async fn idle_waits_for_the_lookups_of_pending_messages_that_are_due() {
    let fixture = sweeping().await;
    let id = fixture.simulator.insert(completed_payment());
    fixture.simulator.fail_with(Outage::Unavailable);
    let message = json!({ "ecommerceId": id, "status": "COMPLETED" });
    assert_eq!(fixture.webhook(message).await, MessageResult::Pending);
    fixture.simulator.recover();
    pass(&fixture, 5);
    fixture.athm.idle().await;
    assert_eq!(fixture.recorder.noted(), ["received by webhook", "completed by webhook"]);
}

#[tokio::test]
async fn idle_ends_after_a_shutdown() {
    let fixture = sweeping().await;
    fixture.athm.shutdown(Duration::ZERO).await;
    fixture.athm.idle().await;
}

#[tokio::test]
async fn a_payment_still_open_long_after_its_deadline_is_expired_by_the_sweeper() {
    let fixture = sweeping().await;
    let (open, id) = open(&fixture).await;
    // The provider's own clock stands still.
    fixture.clock.advance(Duration::from_secs(600 + 299));
    fixture.eventually(|| fixture.request_count("/findPayment") == 1).await;
    assert!(fixture.noted().await.is_empty());
    let passing = fixture.eventually(|| {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.recorder.noted().len() == 2
    });
    passing.await;
    assert_eq!(fixture.noted().await, ["received by sweeper", "expired by sweeper"]);
    assert_eq!(fixture.simulator.payment(&id).unwrap().status, Status::Open);

    // Money has the last word.
    fixture.simulator.insert(completed_payment().ecommerce_id(id));
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await[2..], ["received by webhook", "completed by webhook"]);
    assert_eq!(fixture.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Completed);
}

#[tokio::test]
async fn an_approved_payment_is_never_expired_by_the_sweeper() {
    let fixture = sweeping().await;
    let (open, id) = open(&fixture).await;
    fixture.simulator.approve(&id).unwrap();
    for round in 1..=4 {
        let passing = fixture.eventually(|| {
            fixture.clock.advance(Duration::from_secs(60 * 60));
            fixture.request_count("/findPayment") >= round
        });
        passing.await;
    }
    assert!(fixture.noted().await.is_empty());
    assert_eq!(fixture.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Confirmed);
    assert_eq!(fixture.request_count("/authorization"), 0);
}

#[tokio::test]
async fn an_outage_of_the_provider_only_delays_polls() {
    let mut fixture = sweeping().await;
    let (open, id) = open(&fixture).await;
    fixture.simulator.decline(&id).unwrap();
    for (round, outage) in [Outage::Unavailable, Outage::BadGatewayPage, Outage::InternalError].into_iter().enumerate()
    {
        fixture.simulator.fail_with(outage);
        let passing = fixture.eventually(|| {
            fixture.clock.advance(Duration::from_secs(60 * 60));
            fixture.request_count("/findPayment") > round
        });
        passing.await;
        fixture.restart().await;
    }
    assert_eq!(fixture.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Open);
    fixture.simulator.recover();
    let passing = fixture.eventually(|| {
        fixture.clock.advance(Duration::from_secs(60 * 60));
        fixture.recorder.noted().len() == 2
    });
    passing.await;
    // Its original deadline has passed meanwhile.
    assert_eq!(fixture.noted().await, ["received by sweeper", "expired by sweeper"]);
}

#[tokio::test]
async fn an_approved_checkout_is_authorized_by_the_sweeper_if_configured() {
    let fixture = authorizing().await;
    let (open, id) = open(&fixture).await;
    fixture.simulator.approve(&id).unwrap();
    pass(&fixture, 20);
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
    assert_eq!(fixture.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Completed);
    assert_eq!((fixture.request_count("/findPayment"), fixture.request_count("/authorization")), (1, 1));
}

#[tokio::test]
async fn an_approval_in_a_message_is_authorized_at_once() {
    let fixture = authorizing().await;
    let (_, id) = open(&fixture).await;
    fixture.simulator.approve(&id).unwrap();
    assert_eq!(fixture.callback(json!({ "ecommerceId": id, "status": "CONFIRM" })).await, MessageResult::Known);
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
    assert_eq!(fixture.request_count("/authorization"), 1);
}

#[tokio::test]
async fn many_open_checkouts_are_polled_within_the_rate_limit() {
    let fixture = sweeping().await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(open(&fixture).await.1);
    }
    fixture.clock.advance(Duration::from_secs(20));
    fixture.eventually(|| fixture.request_count("/findPayment") == 20).await;
    // Ten more a second, and each of them once.
    for second in 1..=3 {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.eventually(|| fixture.request_count("/findPayment") == 20 + 10 * second).await;
    }
    assert_eq!(fixture.request_count("/findPayment"), 50);
    ids.iter().for_each(|id| fixture.simulator.decline(id).unwrap());
    let passing = fixture.eventually(|| {
        fixture.clock.advance(Duration::from_secs(5));
        fixture.recorder.noted().len() == 100
    });
    passing.await;
}

#[tokio::test]
async fn open_checkouts_are_polled_after_a_restart() {
    let mut fixture = sweeping().await;
    let (_, id) = open(&fixture).await;
    fixture.simulator.decline(&id).unwrap();
    fixture.clock.advance(Duration::from_secs(10));
    fixture.restart().await;
    assert_eq!(fixture.request_count("/findPayment"), 0);
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(fixture.recorder.wait_for(2).await, ["received by sweeper", "cancelled by sweeper"]);
}

#[tokio::test]
async fn the_customer_is_searched_after_the_completion_and_delays_no_signal() {
    let fixture = sweeping().await;
    let id = fixture.simulator.insert(completed_payment().customer_name("Inés Rivera").customer_phone("7875550199"));
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await, ["received by webhook", "completed by webhook"]);
    assert_eq!((customer_of(&fixture, &id).await, fixture.request_count("/searchTransaction")), (None, 0));

    fixture.clock.advance(Duration::from_secs(5));
    eventually(async || customer_of(&fixture, &id).await.is_some()).await;
    let customer = customer_of(&fixture, &id).await.unwrap();
    assert_eq!((customer.name.as_deref(), customer.phone.as_deref()), (Some("Inés Rivera"), Some("7875550199")));
    fixture.clock.advance(Duration::from_secs(100_000));
    assert_eq!((fixture.noted().await.len(), fixture.request_count("/searchTransaction")), (2, 1));
}

#[tokio::test]
async fn the_customer_is_searched_again_after_an_outage_and_a_restart() {
    let mut fixture = sweeping().await;
    let id = fixture.simulator.insert(completed_payment().customer_name("Inés Rivera"));
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Recorded);
    fixture.simulator.fail_with(Outage::Unavailable);
    fixture.clock.advance(Duration::from_secs(5));
    fixture.eventually(|| fixture.request_count("/searchTransaction") == 1).await;
    fixture.restart().await;
    fixture.simulator.recover();
    let passing = eventually(async || {
        fixture.clock.advance(Duration::from_secs(10));
        customer_of(&fixture, &id).await.is_some()
    });
    passing.await;
    assert_eq!(fixture.request_count("/searchTransaction"), 2);
}

#[tokio::test]
async fn the_search_for_an_unknown_customer_ends_without_an_error() {
    let fixture = sweeping().await;
    let id = fixture.simulator.insert(completed_payment());
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Recorded);
    fixture.simulator.fail_with(Outage::Unavailable);
    for searches in 1..=7 {
        let passing = fixture.eventually(|| {
            fixture.clock.advance(Duration::from_secs(60));
            fixture.request_count("/searchTransaction") >= searches
        });
        passing.await;
    }
    fixture.simulator.recover();
    // Two days later it hasn't been searched again.
    for _ in 0..48 {
        fixture.clock.advance(Duration::from_secs(60 * 60));
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.noted().await, ["received by webhook", "completed by webhook"]);
    assert_eq!((customer_of(&fixture, &id).await, fixture.request_count("/searchTransaction")), (None, 7));
}
