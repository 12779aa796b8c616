//! Asking the provider about one payment now, for a page that waits for it.

use std::sync::Arc;
use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::{Amount, NewPayment, Status, Transaction};
use athm_simulator::Outage;
use athm_tests::{MerchantFault, payment};
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;

use crate::{MerchantFixture, SimulatorFixture};

async fn open(fixture: &SimulatorFixture) -> Transaction {
    fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap()
}

#[tokio::test]
async fn a_refresh_records_what_the_provider_says_now_and_fires_it() {
    let fixture = SimulatorFixture::open().await;
    let (open, other) = (open(&fixture).await, open(&fixture).await);
    assert_eq!(fixture.athm.refresh(open.id()).await.unwrap().status(), &Status::Open);
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    assert_eq!(fixture.athm.refresh(open.id()).await.unwrap().status(), &Status::Confirmed);
    assert_eq!(fixture.request_count("/authorization"), 0);
    fixture.simulator.decline(other.ecommerce_id().unwrap()).unwrap();
    let declined = fixture.athm.refresh(other.id()).await.unwrap();
    assert_eq!((declined.id(), declined.status()), (other.id(), &Status::Cancelled));
    assert_eq!(fixture.athm.transaction(other.id()).await.unwrap(), Some(declined));
    assert_eq!(fixture.noted().await, ["received by refresh", "cancelled by refresh"]);
}

#[tokio::test]
async fn a_refresh_authorizes_what_the_customer_has_approved_if_it_is_asked_to() {
    let fixture = SimulatorFixture::open().await;
    let open = open(&fixture).await;
    assert_eq!(fixture.athm.refresh(open.id()).authorize().await.unwrap().status(), &Status::Open);
    assert_eq!(fixture.request_count("/authorization"), 0);
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    assert_eq!(fixture.athm.refresh(open.id()).authorize().await.unwrap().status(), &Status::Completed);
    assert_eq!(fixture.athm.refresh(open.id()).authorize().await.unwrap().status(), &Status::Completed);
    assert_eq!(fixture.noted().await, ["received by authorize", "completed by authorize"]);
    assert_eq!(fixture.request_count("/authorization"), 1);
}

#[tokio::test]
async fn a_payment_that_a_browser_opened_is_refreshed_and_left_to_the_browser_to_authorize() {
    let fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(athm_simulator::SimulatedPayment::new(Amount::from_cents(2500)));
    fixture.callback(json!({ "ecommerceId": id, "status": "OPEN" })).await;
    let recorded = fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
    fixture.simulator.approve(&id).unwrap();
    assert_eq!(fixture.athm.refresh(recorded.id()).authorize().await.unwrap().status(), &Status::Confirmed);
    assert_eq!(fixture.request_count("/authorization"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_pages_that_wait_at_once_share_one_question() {
    let fixture = MerchantFixture::open().await;
    let open = fixture.create().await;
    fixture.approve();
    let answered = Arc::new(Notify::new());
    fixture.fail_next("/business/findPayment", MerchantFault::ResponseHeld(Arc::clone(&answered)));
    let pages = join_all((0..100).map(|_| fixture.athm.refresh(open.id()).into_future()));
    let asked = async {
        athm_tests::eventually(async || fixture.provider.request_count("/findPayment") == 1).await;
        for _ in 0..200 {
            fixture.athm.transaction(open.id()).await.unwrap();
        }
        answered.notify_one();
    };
    let (pages, ()) = tokio::join!(pages, asked);
    assert!(pages.into_iter().all(|page| page.unwrap().status() == &Status::Confirmed));
    // A page that doesn't share may ask five times, and is given what is recorded after that.
    assert!(fixture.provider.request_count("/findPayment") < 5);
}

#[tokio::test]
async fn a_page_that_asks_too_often_gets_what_is_recorded_and_takes_nothing_from_messages() {
    let fixture = SimulatorFixture::open().await;
    let open = open(&fixture).await;
    for _ in 0..20 {
        assert_eq!(fixture.athm.refresh(open.id()).await.unwrap().status(), &Status::Open);
    }
    assert_eq!(fixture.request_count("/findPayment"), 5);
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    // Nothing is authorized on what is recorded alone.
    assert_eq!(fixture.athm.refresh(open.id()).authorize().await.unwrap().status(), &Status::Open);
    fixture.callback(json!({ "ecommerceId": open.ecommerce_id(), "status": "CONFIRM" })).await;
    assert_eq!(fixture.request_count("/findPayment"), 6);
    assert_eq!(fixture.athm.refresh(open.id()).authorize().await.unwrap().status(), &Status::Confirmed);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.athm.refresh(open.id()).authorize().await.unwrap().status(), &Status::Completed);
}

#[tokio::test]
async fn a_refresh_that_gets_no_answer_is_an_error_and_changes_nothing() {
    let fixture = SimulatorFixture::open().await;
    let open = open(&fixture).await;
    fixture.simulator.fail_with(Outage::Unavailable);
    let error = fixture.athm.refresh(open.id()).await.unwrap_err();
    assert!(matches!(error, OperationError::Lookup(_)), "{error:?}");
    assert_eq!(fixture.athm.transaction(open.id()).await.unwrap(), Some(open));
    let stranger = payment(1, Status::Open).build();
    assert!(matches!(fixture.athm.refresh(stranger.id()).await, Err(OperationError::UnknownTransaction { .. })));
}
