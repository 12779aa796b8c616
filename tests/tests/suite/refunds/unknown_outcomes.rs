//! Refunds whose outcome is unknown at first.

use std::sync::Arc;
use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::ids::RefundId;
use athm_core::refunds::{RefundResolution, RefundState};
use athm_core::{MessageResult, NewRefund};
use athm_tests::{MerchantFault, TestDatabase, eventually};
use futures_util::future::join;
use tokio::sync::Notify;

use super::{DAY, FIRED, cents, fired, partial, refund_event, states, webhook};
use crate::MerchantFixture;

#[tokio::test]
async fn a_refund_whose_response_is_lost_is_found_done_at_once() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    let refund = merchant.athm.refund(paid.id(), partial(700)).await.unwrap();
    assert_eq!((refund.state, refund.amount), (RefundState::Done, cents(700)));
    assert_eq!((merchant.provider.request_count("/refund"), merchant.provider.request_count("/findPayment")), (1, 1));
    assert_eq!(fired(&merchant).await, FIRED);
}

#[tokio::test]
async fn a_refund_of_unknown_outcome_reserves_its_amount_until_the_ledger_shows_it() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.report_refunded(Some(0));
    let error = merchant.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };
    assert!(error.to_string().contains("don't repeat it"), "{error}");
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Pending, 700)]);
    for new in [partial(1), NewRefund::full()] {
        let error = merchant.athm.refund(paid.id(), new).await.unwrap_err();
        assert!(
            matches!(error, OperationError::RefundPending { refund: pending, .. } if pending == refund),
            "{error:?}"
        );
    }
    assert_eq!((fired(&merchant).await.len(), merchant.provider.request_count("/refund")), (0, 1));

    merchant.report_refunded(None);
    merchant.advance_until(async || merchant.recorder.noted().len() == 4).await;
    assert_eq!(fired(&merchant).await, FIRED);
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(1800));
    assert_eq!(merchant.refunded(), 2500);
}

#[tokio::test]
async fn a_refund_is_possible_as_soon_as_the_ledger_shows_the_previous_one() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.report_refunded(Some(0));
    assert!(matches!(merchant.athm.refund(paid.id(), partial(700)).await, Err(OperationError::RefundUnknown { .. })));
    merchant.report_refunded(None);
    // The ledger is read again before a refund is rejected.
    assert_eq!(merchant.athm.refund(paid.id(), partial(300)).await.unwrap().total_refunded, Some(cents(1000)));
}

#[tokio::test]
async fn promise_9_a_lost_refund_is_never_repeated_and_is_unresolved_after_a_day() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::RequestLost);
    let error = merchant.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };
    merchant.clock.advance(DAY - Duration::from_secs(60));
    assert_eq!(merchant.athm.refunds().unresolved().await.unwrap(), []);
    merchant.clock.advance(Duration::from_secs(60));
    let unresolved = merchant.athm.refunds().unresolved().await.unwrap();
    assert_eq!(unresolved.iter().map(|refund| refund.id).collect::<Vec<_>>(), [refund]);
    assert_eq!(merchant.provider.request_count("/refund"), 1);

    let resolved = merchant.athm.refunds().resolve(refund, RefundResolution::NotDone).await.unwrap();
    assert_eq!((resolved.state, resolved.total_refunded), (RefundState::NotDone, None));
    assert_eq!(merchant.athm.refunds().unresolved().await.unwrap(), []);
    assert!(fired(&merchant).await.is_empty());
    let again = merchant.athm.refunds().resolve(refund, RefundResolution::Done).await.unwrap_err();
    assert!(matches!(again, OperationError::RefundNotPending { state: RefundState::NotDone, .. }), "{again:?}");
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(2500));
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 2500), (RefundState::NotDone, 700)]);
}

#[tokio::test]
async fn a_refund_resolved_as_done_fires_once_and_the_ledger_adds_none() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.report_refunded(Some(0));
    let error = merchant.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };
    let resolved = merchant.athm.refunds().resolve(refund, RefundResolution::Done).await.unwrap();
    assert_eq!((resolved.state, resolved.total_refunded), (RefundState::Done, Some(cents(700))));
    merchant.report_refunded(None);
    assert_eq!(webhook(&merchant, refund_event("12-ab", "7.00")).await, MessageResult::Known);
    assert_eq!(fired(&merchant).await, FIRED);
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
    let unknown = merchant.athm.refunds().resolve(RefundId::from(uuid::Uuid::nil()), RefundResolution::Done).await;
    assert!(matches!(unknown, Err(OperationError::UnknownRefund { .. })));
}

#[tokio::test]
async fn a_refund_interrupted_by_a_crash_stays_reserved_and_is_found_done() {
    let mut merchant = MerchantFixture::open().await;
    let (paid, go) = (merchant.paid().await, Arc::new(Notify::new()));
    merchant.fail_next("/refund", MerchantFault::ResponseHeld(go));
    let (athm, id) = (merchant.athm.clone(), paid.id());
    let refunding = tokio::spawn(async move { athm.refund(id, partial(700)).await });
    eventually(async || merchant.provider.request_count("/refund") == 1).await;
    merchant.report_refunded(Some(0));
    merchant.crash().await;
    assert!(refunding.await.unwrap().is_err());
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Pending, 700)]);
    merchant.report_refunded(None);
    merchant.advance_until(async || merchant.recorder.noted().len() == 4).await;
    assert_eq!(
        (fired(&merchant).await, merchant.provider.request_count("/refund")),
        (FIRED.map(Into::into).to_vec(), 1)
    );
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
}

#[tokio::test]
async fn a_refund_that_cannot_be_recorded_is_unknown_and_found_done() {
    let merchant = MerchantFixture::open().await;
    let (paid, go) = (merchant.paid().await, Arc::new(Notify::new()));
    merchant.fail_next("/refund", MerchantFault::ResponseHeld(Arc::clone(&go)));
    let refunding = merchant.athm.refund(paid.id(), partial(700));
    let breaking = async {
        eventually(async || merchant.provider.request_count("/refund") == 1).await;
        merchant.database.execute("ALTER TABLE athm_event RENAME TO gone");
        go.notify_one();
    };
    let (refund, ()) = join(refunding, breaking).await;
    assert!(matches!(refund, Err(OperationError::RefundUnknown { .. })), "{refund:?}");
    merchant.database.execute("ALTER TABLE gone RENAME TO athm_event");
    merchant.advance_until(async || merchant.recorder.noted().len() == 4).await;
    assert_eq!(
        (fired(&merchant).await, merchant.provider.request_count("/refund")),
        (FIRED.map(Into::into).to_vec(), 1)
    );
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
}
