//! Refunds that the program asks for.

use athm_core::NewRefund;
use athm_core::errors::{InvalidRefund, OperationError};
use athm_core::ids::TransactionId;
use athm_core::provider::{InvalidRequest, ProviderError};
use athm_core::refunds::RefundState;
use athm_tests::MerchantFault;
use futures_util::future::join_all;

use super::{FIRED, TWICE, cents, fired, listed, partial, refunded, states};
use crate::MerchantFixture;

#[tokio::test]
async fn a_partial_refund_leaves_the_rest_refundable() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    let first = merchant.athm.refund(paid.id(), partial(700).message("One mug was broken")).await.unwrap();
    assert_eq!((first.amount, first.state, first.total_refunded), (cents(700), RefundState::Done, Some(cents(700))));
    assert_eq!((first.daily_transaction_id.as_deref(), first.is_ours), (Some("0700"), true));
    assert_eq!(first.reference_number, Some("refund-700".parse().unwrap()));
    let asked = merchant.provider.requests().pop().unwrap();
    assert_eq!(
        (asked.body["amount"].as_str(), asked.body["message"].as_str()),
        (Some("7.00"), Some("One mug was broken"))
    );

    let rest = merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap();
    assert_eq!((rest.amount, rest.total_refunded), (cents(1800), Some(cents(2500))));
    assert_eq!((merchant.refunded(), refunded(&merchant, &paid).await), (2500, 2500));
    assert_eq!(listed(&merchant, &paid).await, [first, rest]);
    assert_eq!(fired(&merchant).await, TWICE);
    // One request for each.
    assert_eq!((merchant.provider.request_count("/refund"), merchant.provider.request_count("/findPayment")), (2, 0));
}

#[tokio::test]
async fn a_refund_above_the_remaining_amount_is_never_sent() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    let refund = async |id, new| merchant.athm.refund(id, new).await.unwrap_err();
    assert!(matches!(refund(open.id(), NewRefund::full()).await, OperationError::NotPaid { .. }));
    merchant.approve();
    merchant.athm.authorize(open.id()).await.unwrap();
    assert!(
        matches!(refund(open.id(), partial(2501)).await, OperationError::RefundTooMuch { left, .. } if left == cents(2500))
    );
    merchant.athm.refund(open.id(), NewRefund::full()).await.unwrap();
    assert!(
        matches!(refund(open.id(), NewRefund::full()).await, OperationError::RefundTooMuch { left, .. } if left == cents(0))
    );
    assert!(matches!(refund(open.id(), partial(1)).await, OperationError::RefundTooMuch { .. }));
    let unknown = TransactionId::from(uuid::Uuid::nil());
    assert!(matches!(refund(unknown, NewRefund::full()).await, OperationError::UnknownTransaction { .. }));
    let invalid = refund(open.id(), partial(0)).await;
    assert!(matches!(
        invalid,
        OperationError::Provider(ProviderError::Invalid(InvalidRequest::Refund(InvalidRefund::Amount { .. })))
    ));
    let invalid = refund(open.id(), partial(1).message("x".repeat(51))).await;
    assert!(matches!(
        invalid,
        OperationError::Provider(ProviderError::Invalid(InvalidRequest::Refund(InvalidRefund::Message { .. })))
    ));
    assert_eq!(merchant.provider.request_count("/refund"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_refunds_run_one_after_another_and_never_exceed_the_total() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    let refunds = join_all((0..8).map(|_| merchant.athm.refund(paid.id(), partial(1000)))).await;
    let (done, refused): (Vec<_>, Vec<_>) = refunds.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), merchant.refunded(), refunded(&merchant, &paid).await), (2, 2000, 2000));
    for error in refused {
        assert!(matches!(error, Err(OperationError::RefundTooMuch { left, .. }) if left == cents(500)), "{error:?}");
    }
    assert_eq!(merchant.provider.request_count("/refund"), 2);
    assert_eq!(fired(&merchant).await.len(), 4);
}

#[tokio::test]
async fn two_equal_partial_refunds_stay_two() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    let first = merchant.athm.refund(paid.id(), partial(500)).await.unwrap();
    let second = merchant.athm.refund(paid.id(), partial(500)).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!((first.total_refunded, second.total_refunded), (Some(cents(500)), Some(cents(1000))));
    assert_eq!(fired(&merchant).await, TWICE);
}

#[tokio::test]
async fn a_rejected_refund_releases_its_amount() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::Refused("BTRA_0030"));
    let error = merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap_err();
    assert!(matches!(error, OperationError::Provider(ProviderError::Rejected { .. })), "{error:?}");
    assert_eq!(states(&merchant, &paid).await, [(RefundState::NotDone, 2500)]);
    merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap();
    assert_eq!(fired(&merchant).await, FIRED);
}

#[tokio::test]
async fn a_refund_in_the_providers_app_is_recorded_when_the_provider_rejects_ours() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.refund_elsewhere(2000);
    let error = merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap_err();
    assert!(matches!(error, OperationError::Provider(ProviderError::Rejected { .. })), "{error:?}");
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 2000), (RefundState::NotDone, 2500)]);
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(500));
    assert_eq!(merchant.refunded(), 2500);
}
