//! Calls to the provider are written down before they are made: what became of them is found out, whatever happens.

use std::sync::Arc;
use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::provider::{Client, ErrorCode, ProviderError};
use athm_core::testing::Clock;
use athm_core::testing::{BuilderExt as _, ClientBuilderExt as _};
use athm_core::{Amount, Athm, NewPayment, Status};
use athm_simulator::{Effect, Endpoint, Fault, Simulator};
use athm_tests::{MerchantFault, TextRecorder, advance_until, eventually};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tokio::sync::Notify;

use crate::{Database, MerchantFixture, SimulatorFixture};

const AUTHORIZED: [&str; 2] = ["received by authorize", "completed by authorize"];

#[tokio::test]
async fn a_create_whose_response_is_lost_moves_no_money_and_may_be_repeated() {
    let merchant = MerchantFixture::open().await;
    merchant.fail_next("/payment", MerchantFault::ResponseLost);
    let error = merchant.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap_err();
    assert!(matches!(&error, OperationError::CreateUnknown(error) if error.is_outcome_unknown()), "{error:?}");
    assert!(error.to_string().contains("no money can move for it, and a new payment may be opened"), "{error}");
    assert_eq!(merchant.create().await.status(), &Status::Open);
}

#[tokio::test]
async fn a_payment_makes_two_requests() {
    let merchant = MerchantFixture::open().await;
    merchant.paid().await;
    let paths: Vec<_> = merchant.provider.requests().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(paths[0].ends_with("/payment") && paths[1].ends_with("/authorization"), "{paths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_9_concurrent_authorizations_make_one_call_and_share_its_outcome() {
    let merchant = MerchantFixture::open().await;
    let (open, go) = (merchant.create().await, Arc::new(Notify::new()));
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::ResponseHeld(Arc::clone(&go)));
    let authorizing = join_all((0..16).map(|_| merchant.athm.authorize(open.id())));
    let release = async {
        eventually(async || merchant.provider.request_count("/authorization") == 1).await;
        go.notify_one();
    };
    let (authorized, ()) = futures_util::future::join(authorizing, release).await;
    assert!(authorized.into_iter().all(|transaction| transaction.unwrap().status() == &Status::Completed));
    assert_eq!(merchant.provider.request_count("/authorization"), 1);
    assert_eq!(merchant.noted().await, AUTHORIZED);
}

#[tokio::test]
async fn an_authorization_whose_response_is_lost_is_found_completed_at_once() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::ResponseLost);
    assert_eq!(merchant.athm.authorize(open.id()).await.unwrap().status(), &Status::Completed);
    assert_eq!(
        (merchant.provider.request_count("/authorization"), merchant.provider.request_count("/findPayment")),
        (1, 1)
    );
    assert_eq!(merchant.noted().await, AUTHORIZED);
}

#[tokio::test]
async fn an_authorization_that_can_be_neither_heard_nor_read_is_found_completed_later() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::ResponseLost);
    merchant.fail_next("/findPayment", MerchantFault::RequestLost);
    let error = merchant.athm.authorize(open.id()).await.unwrap_err();
    assert!(matches!(&error, OperationError::Provider(error) if error.is_outcome_unknown()), "{error:?}");
    merchant.advance_until(async || merchant.recorder.noted().len() == 2).await;
    assert_eq!(
        (merchant.noted().await, merchant.provider.request_count("/authorization")),
        (AUTHORIZED.map(Into::into).to_vec(), 1)
    );
}

#[tokio::test]
async fn a_lost_authorization_is_sent_again_once_the_provider_shows_it_unauthorized() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::RequestLost);
    assert!(matches!(merchant.athm.authorize(open.id()).await, Err(OperationError::Provider(_))));
    // It may still be on its way.
    assert!(matches!(merchant.athm.authorize(open.id()).await, Err(OperationError::Unresolved { .. })));
    assert_eq!(merchant.provider.request_count("/authorization"), 1);
    merchant.clock.advance(Duration::from_secs(29));
    assert!(matches!(merchant.athm.authorize(open.id()).await, Err(OperationError::Unresolved { .. })));
    assert_eq!(merchant.provider.request_count("/authorization"), 1);
    merchant.advance_until(async || merchant.recorder.noted().len() == 2).await;
    assert_eq!(
        (merchant.noted().await, merchant.provider.request_count("/authorization")),
        (AUTHORIZED.map(Into::into).to_vec(), 2)
    );
}

#[tokio::test]
async fn promise_9_an_authorization_interrupted_by_a_crash_is_completed_after_the_restart() {
    let mut merchant = MerchantFixture::open().await;
    let (open, go) = (merchant.create().await, Arc::new(Notify::new()));
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::RequestHeld(go));
    let (athm, id) = (merchant.athm.clone(), open.id());
    let authorizing = tokio::spawn(async move { athm.authorize(id).await });
    eventually(async || merchant.provider.request_count("/authorization") == 1).await;
    merchant.crash().await;
    assert!(matches!(authorizing.await.unwrap(), Err(OperationError::Closed)));
    merchant.advance_until(async || merchant.recorder.noted().len() == 2).await;
    assert_eq!(
        (merchant.noted().await, merchant.provider.request_count("/authorization")),
        (AUTHORIZED.map(Into::into).to_vec(), 2)
    );
}

#[tokio::test]
async fn a_completion_before_a_crash_is_found_without_another_call() {
    let mut merchant = MerchantFixture::open().await;
    let (open, go) = (merchant.create().await, Arc::new(Notify::new()));
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::ResponseHeld(go));
    let (athm, id) = (merchant.athm.clone(), open.id());
    let authorizing = tokio::spawn(async move { athm.authorize(id).await });
    eventually(async || merchant.provider.request_count("/authorization") == 1).await;
    merchant.crash().await;
    assert!(authorizing.await.unwrap().is_err());
    merchant.advance_until(async || merchant.recorder.noted().len() == 2).await;
    assert_eq!(
        (merchant.noted().await, merchant.provider.request_count("/authorization")),
        (AUTHORIZED.map(Into::into).to_vec(), 1)
    );
}

#[tokio::test]
async fn an_authorization_before_approval_may_be_repeated_after_it() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    let early = merchant.athm.authorize(open.id()).await.unwrap_err();
    assert!(matches!(early, OperationError::Provider(ProviderError::Rejected { .. })), "{early:?}");
    merchant.approve();
    assert_eq!(merchant.athm.authorize(open.id()).await.unwrap().status(), &Status::Completed);
}

#[tokio::test]
async fn a_completed_payment_that_the_provider_calls_not_confirmed_is_completed() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    // The browser has authorized it.
    merchant.set_status("COMPLETED");
    assert_eq!(merchant.athm.authorize(open.id()).await.unwrap().status(), &Status::Completed);
    assert_eq!(merchant.noted().await, AUTHORIZED);
}

#[tokio::test]
async fn a_cancel_whose_response_is_lost_is_found_later() {
    let mut merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.fail_next("/cancel", MerchantFault::ResponseLost);
    merchant.fail_next("/findPayment", MerchantFault::RequestLost);
    assert!(matches!(merchant.athm.cancel(open.id()).await, Err(OperationError::Provider(_))));
    merchant.crash().await;
    merchant.advance_until(async || merchant.recorder.noted().len() == 2).await;
    assert_eq!(merchant.noted().await, ["received by cancel", "cancelled by cancel"]);
}

#[tokio::test]
async fn a_completed_payment_is_not_cancelled_and_no_request_is_sent() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    assert!(matches!(merchant.athm.cancel(paid.id()).await, Err(OperationError::Completed { .. })));
    assert_eq!(merchant.provider.request_count("/cancel"), 0);
}

#[tokio::test]
async fn a_lost_cancel_holds_off_the_schedule_and_is_sent_again_until_the_payment_has_ended() {
    let fixture = SimulatorFixture::open_with_sweeper(|builder| builder.seed(7).authorize_confirmed()).await;
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    let lost = || fixture.simulator.fail_next(Endpoint::Cancel, Fault::BadGateway(Effect::Absent));
    lost();
    assert!(matches!(fixture.athm.cancel(open.id()).await, Err(OperationError::Provider(_))));
    // The customer approves after that, and the next cancels are lost, too.
    fixture.simulator.approve(&id).unwrap();
    (0..7).for_each(|_| lost());
    let passing = fixture.eventually(|| {
        fixture.clock.advance(Duration::from_secs(10));
        fixture.recorder.noted().len() == 2
    });
    passing.await;
    // By then the deadline is over. Whether the cancel's answer or a poll brings it first is chance.
    let noted = fixture.noted().await;
    let signals: Vec<_> = noted.iter().filter_map(|noted| noted.split(" by ").next()).collect();
    assert_eq!(signals, ["received", "expired"]);
    assert_eq!((fixture.request_count("/authorization"), fixture.request_count("/cancel")), (0, 9));
}

#[tokio::test]
async fn a_cancel_that_a_completion_overtakes_says_completed() {
    let merchant = MerchantFixture::open().await;
    let (open, go) = (merchant.create().await, Arc::new(Notify::new()));
    merchant.fail_next("/cancel", MerchantFault::RequestHeld(Arc::clone(&go)));
    let cancelling = merchant.athm.cancel(open.id());
    let overtaking = async {
        eventually(async || merchant.provider.request_count("/cancel") == 1).await;
        merchant.set_status("COMPLETED");
        go.notify_one();
    };
    let (cancelled, ()) = futures_util::future::join(cancelling, overtaking).await;
    assert!(matches!(cancelled, Err(OperationError::Completed { .. })), "{cancelled:?}");
    assert_eq!(merchant.noted().await, ["received by cancel", "completed by cancel"]);
}

#[tokio::test]
async fn authorizing_what_has_ended_says_how_it_ended() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.athm.cancel(open.id()).await.unwrap();
    let error = merchant.athm.authorize(open.id()).await.unwrap_err();
    assert!(matches!(error, OperationError::Ended { status: Status::Cancelled, .. }), "{error:?}");
}

#[tokio::test]
async fn a_cancel_waits_for_a_running_authorization() {
    let merchant = MerchantFixture::open().await;
    let (open, go) = (merchant.create().await, Arc::new(Notify::new()));
    merchant.approve();
    merchant.fail_next("/authorization", MerchantFault::ResponseHeld(Arc::clone(&go)));
    let (athm, id) = (merchant.athm.clone(), open.id());
    let authorizing = tokio::spawn(async move { athm.authorize(id).await });
    eventually(async || merchant.provider.request_count("/authorization") == 1).await;
    let (athm, id) = (merchant.athm.clone(), open.id());
    let cancelling = tokio::spawn(async move { athm.cancel(id).await });
    go.notify_one();
    assert!(matches!(cancelling.await.unwrap(), Err(OperationError::Completed { .. })));
    assert_eq!(authorizing.await.unwrap().unwrap().status(), &Status::Completed);
    assert_eq!(merchant.provider.request_count("/cancel"), 0);
}

#[tokio::test]
async fn the_phone_of_an_open_payment_is_updated() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    let phone = || "787-555-0199".parse().unwrap();
    merchant.fail_next("/updatePhoneNumber", MerchantFault::ResponseLost);
    // The answer is lost: the same phone is sent again, which moves no money, until an answer comes.
    merchant.athm.update_phone(open.id(), phone()).await.unwrap();
    assert_eq!(merchant.provider.requests().last().unwrap().body["phoneNumber"], "7875550199");
    merchant.approve();
    merchant.athm.authorize(open.id()).await.unwrap();
    let error = merchant.athm.update_phone(open.id(), phone()).await.unwrap_err();
    assert!(matches!(error, OperationError::Ended { status: Status::Completed, .. }), "{error:?}");
    assert_eq!(merchant.provider.request_count("/updatePhoneNumber"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_9_an_authorization_moves_the_money_once_under_every_fault() {
    let late = Effect::Late(Duration::from_secs(5));
    let refused = ["BTRA_0005", "BTRA_0032", "BTRA_9998", "token.invalid.header"];
    let mut faults: Vec<_> = refused.map(|code| Fault::Reject { code: code.to_owned() }).into();
    faults.extend([Fault::Slow(Duration::from_millis(50)), Fault::Stale(Duration::from_secs(5)), Fault::ByteOrderMark]);
    for effect in [Effect::Absent, Effect::Done, late] {
        faults.extend(
            [Fault::Timeout, Fault::InternalError, Fault::BadGateway, Fault::Garbage].map(|fault| fault(effect)),
        );
    }
    faults.extend([Effect::Done, late].map(Fault::Truncated));
    stream::iter(faults).for_each_concurrent(4, authorize_beside).await;
}

async fn authorize_beside(fault: Fault) {
    let (simulator, database) = (Simulator::start().await.unwrap(), Database::default());
    let (recorder, clock) = (TextRecorder::new(), Clock::manual());
    let client = Client::builder("the public token", "the private token").api_url(simulator.url());
    let client = client.clock(clock.clone()).timeout(Duration::from_secs(3)).build().unwrap();
    // The sweeper would poll the payment in the 20th second: on a slow machine before the authorization is read again.
    let builder = Athm::builder()
        .without_credential_check()
        .without_sweeper()
        .client(client)
        .database_url(database.url())
        .dispatcher(recorder.listening());
    let athm = builder.clock(clock.clone()).start().await.unwrap();
    let open = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let ecommerce_id = *open.ecommerce_id().unwrap();
    simulator.approve(&ecommerce_id).unwrap();

    simulator.fail_next(Endpoint::Authorize, fault.clone());
    let authorized = athm.authorize(open.id()).await;
    simulator.skip(Duration::from_secs(10));
    match authorized {
        Ok(paid) => assert_eq!(paid.status(), &Status::Completed, "{fault}"),
        // The provider refused, so nothing was changed: repeating the call is safe.
        Err(OperationError::Provider(error))
            if !error.is_outcome_unknown() && error.code() != Some(&ErrorCode::NotConfirmed) =>
        {
            athm.authorize(open.id()).await.unwrap();
        }
        Err(OperationError::Provider(_)) => {
            advance_until(&clock, async || recorder.noted().len() == 2).await;
        }
        Err(error) => panic!("{fault}: {error:?}"),
    }
    athm.idle().await;
    assert_eq!(simulator.payment(&ecommerce_id).unwrap().status, Status::Completed, "{fault}");
    assert_eq!(recorder.noted(), AUTHORIZED, "{fault}");
    let calls = simulator.requests().iter().filter(|request| request.path.ends_with("/authorization")).count();
    assert!(calls <= 2, "{fault}: {calls} calls");
    athm.shutdown(Duration::from_secs(5)).await;
}
