//! Payments of which no message tells: open ones are polled until they have ended, and of completed ones it is asked who
//! paid.

use std::time::Duration;

use athm_core::{Amount, Customer, EcommerceId, NewPayment, Receipt, Status, Transaction};
use athm_simulator::Outage;
use athm_tests::{eventually, paid};
use serde_json::json;

use crate::Business;

async fn sweeping() -> Business {
    Business::sweeping(|builder| builder.seed(7)).await
}

async fn authorizing() -> Business {
    Business::sweeping(|builder| builder.seed(7).authorize_confirmed()).await
}

async fn open(business: &Business) -> (Transaction, EcommerceId) {
    let open = business.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    (open, id)
}

/// Lets time pass, on both sides.
fn pass(business: &Business, seconds: u64) {
    business.clock.advance(Duration::from_secs(seconds));
    business.simulator.skip(Duration::from_secs(seconds));
}

async fn customer_of(business: &Business, id: &EcommerceId) -> Option<Customer> {
    business.athm.transaction_by_ecommerce_id(id).await.unwrap().unwrap().customer().cloned()
}

#[tokio::test]
async fn a_declined_checkout_is_noticed_although_no_message_comes() {
    let business = sweeping().await;
    let (open, id) = open(&business).await;
    business.simulator.decline(&id).unwrap();
    pass(&business, 19);
    assert_eq!(business.asked("/findPayment"), 0);
    pass(&business, 1);
    assert_eq!(business.recorder.wait_for(2).await, ["received by sweeper", "cancelled by sweeper"]);
    assert_eq!(business.asked("/findPayment"), 1);
    assert_eq!(business.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Cancelled);
    // It has ended, so that nobody asks any more.
    business.clock.advance(Duration::from_secs(100_000));
    assert_eq!((business.noted().await.len(), business.asked("/findPayment")), (2, 1));
}

#[tokio::test]
async fn a_checkout_that_nobody_approves_expires_although_no_message_comes() {
    let business = sweeping().await;
    open(&business).await;
    pass(&business, 610);
    assert_eq!(business.recorder.wait_for(2).await, ["received by sweeper", "expired by sweeper"]);
    assert_eq!(business.asked("/findPayment"), 1);
}

#[tokio::test]
async fn what_the_provider_calls_open_long_after_the_deadline_is_expired_on_our_own_word() {
    let business = sweeping().await;
    let (open, id) = open(&business).await;
    // The provider's own clock stands still.
    business.clock.advance(Duration::from_secs(600 + 299));
    business.eventually(|| business.asked("/findPayment") == 1).await;
    assert!(business.noted().await.is_empty());
    let passing = business.eventually(|| {
        business.clock.advance(Duration::from_secs(1));
        business.recorder.noted().len() == 2
    });
    passing.await;
    assert_eq!(business.noted().await, ["received by sweeper", "expired by sweeper"]);
    assert_eq!(business.simulator.payment(&id).unwrap().status, Status::Open);

    // Money has the last word.
    business.simulator.insert(paid().ecommerce_id(id));
    assert_eq!(business.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, Receipt::Recorded);
    assert_eq!(business.noted().await[2..], ["received by webhook", "completed by webhook"]);
    assert_eq!(business.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Completed);
}

#[tokio::test]
async fn what_was_approved_never_expires_on_our_own_word() {
    let business = sweeping().await;
    let (open, id) = open(&business).await;
    business.simulator.approve(&id).unwrap();
    for round in 1..=4 {
        let passing = business.eventually(|| {
            business.clock.advance(Duration::from_secs(60 * 60));
            business.asked("/findPayment") >= round
        });
        passing.await;
    }
    assert!(business.noted().await.is_empty());
    assert_eq!(business.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Confirmed);
    assert_eq!(business.asked("/authorization"), 0);
}

#[tokio::test]
async fn an_outage_of_the_provider_only_delays() {
    let mut business = sweeping().await;
    let (open, id) = open(&business).await;
    business.simulator.decline(&id).unwrap();
    for (round, outage) in [Outage::Unavailable, Outage::BadGatewayPage, Outage::InternalError].into_iter().enumerate()
    {
        business.simulator.fail_with(outage);
        let passing = business.eventually(|| {
            business.clock.advance(Duration::from_secs(60 * 60));
            business.asked("/findPayment") > round
        });
        passing.await;
        business.restart().await;
    }
    assert_eq!(business.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Open);
    business.simulator.recover();
    let passing = business.eventually(|| {
        business.clock.advance(Duration::from_secs(60 * 60));
        business.recorder.noted().len() == 2
    });
    passing.await;
    // By the deadline that it had, it has expired meanwhile.
    assert_eq!(business.noted().await, ["received by sweeper", "expired by sweeper"]);
}

#[tokio::test]
async fn an_approved_checkout_whose_page_has_died_is_authorized_if_so_configured() {
    let business = authorizing().await;
    let (open, id) = open(&business).await;
    business.simulator.approve(&id).unwrap();
    pass(&business, 20);
    assert_eq!(business.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
    assert_eq!(business.athm.transaction(open.id()).await.unwrap().unwrap().status(), &Status::Completed);
    assert_eq!((business.asked("/findPayment"), business.asked("/authorization")), (1, 1));
}

#[tokio::test]
async fn an_approval_that_a_message_has_shown_is_authorized_at_once() {
    let business = authorizing().await;
    let (_, id) = open(&business).await;
    business.simulator.approve(&id).unwrap();
    assert_eq!(business.callback(json!({ "ecommerceId": id, "status": "CONFIRM" })).await, Receipt::Known);
    assert_eq!(business.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
    assert_eq!(business.asked("/authorization"), 1);
}

#[tokio::test]
async fn many_open_checkouts_are_asked_about_within_the_budget() {
    let business = sweeping().await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(open(&business).await.1);
    }
    business.clock.advance(Duration::from_secs(20));
    business.eventually(|| business.asked("/findPayment") == 20).await;
    // Ten more a second, and each of them once.
    for second in 1..=3 {
        business.clock.advance(Duration::from_secs(1));
        business.eventually(|| business.asked("/findPayment") == 20 + 10 * second).await;
    }
    assert_eq!(business.asked("/findPayment"), 50);
    ids.iter().for_each(|id| business.simulator.decline(id).unwrap());
    let passing = business.eventually(|| {
        business.clock.advance(Duration::from_secs(5));
        business.recorder.noted().len() == 100
    });
    passing.await;
}

#[tokio::test]
async fn a_restart_forgets_no_open_checkout() {
    let mut business = sweeping().await;
    let (_, id) = open(&business).await;
    business.simulator.decline(&id).unwrap();
    business.clock.advance(Duration::from_secs(10));
    business.restart().await;
    assert_eq!(business.asked("/findPayment"), 0);
    business.clock.advance(Duration::from_secs(10));
    assert_eq!(business.recorder.wait_for(2).await, ["received by sweeper", "cancelled by sweeper"]);
}

#[tokio::test]
async fn who_paid_is_searched_after_the_completion_and_delays_no_signal() {
    let business = sweeping().await;
    let id = business.simulator.insert(paid().customer_name("Inés Rivera").customer_phone("7875550199"));
    assert_eq!(business.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, Receipt::Recorded);
    assert_eq!(business.noted().await, ["received by webhook", "completed by webhook"]);
    assert_eq!((customer_of(&business, &id).await, business.asked("/searchTransaction")), (None, 0));

    business.clock.advance(Duration::from_secs(5));
    eventually(async || customer_of(&business, &id).await.is_some()).await;
    let customer = customer_of(&business, &id).await.unwrap();
    assert_eq!((customer.name.as_deref(), customer.phone.as_deref()), (Some("Inés Rivera"), Some("7875550199")));
    business.clock.advance(Duration::from_secs(100_000));
    assert_eq!((business.noted().await.len(), business.asked("/searchTransaction")), (2, 1));
}

#[tokio::test]
async fn who_paid_is_searched_again_after_an_outage_and_a_restart() {
    let mut business = sweeping().await;
    let id = business.simulator.insert(paid().customer_name("Inés Rivera"));
    assert_eq!(business.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, Receipt::Recorded);
    business.simulator.fail_with(Outage::Unavailable);
    business.clock.advance(Duration::from_secs(5));
    business.eventually(|| business.asked("/searchTransaction") == 1).await;
    business.restart().await;
    business.simulator.recover();
    let passing = eventually(async || {
        business.clock.advance(Duration::from_secs(10));
        customer_of(&business, &id).await.is_some()
    });
    passing.await;
    assert_eq!(business.asked("/searchTransaction"), 2);
}

#[tokio::test]
async fn a_customer_whom_the_provider_never_names_is_given_up_in_the_end_and_is_no_error() {
    let business = sweeping().await;
    let id = business.simulator.insert(paid());
    assert_eq!(business.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, Receipt::Recorded);
    business.simulator.fail_with(Outage::Unavailable);
    for searches in 1..=7 {
        let passing = business.eventually(|| {
            business.clock.advance(Duration::from_secs(60));
            business.asked("/searchTransaction") >= searches
        });
        passing.await;
    }
    business.simulator.recover();
    // Two days on, nobody has asked again.
    for _ in 0..48 {
        business.clock.advance(Duration::from_secs(60 * 60));
        tokio::task::yield_now().await;
    }
    assert_eq!(business.noted().await, ["received by webhook", "completed by webhook"]);
    assert_eq!((customer_of(&business, &id).await, business.asked("/searchTransaction")), (None, 7));
}
