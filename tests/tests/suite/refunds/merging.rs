//! Refunds of a payment that was recorded in two rows.

use athm_core::errors::OperationError;
use athm_core::refunds::RefundState;
use athm_core::{Sender, Transaction};
use athm_tests::{MerchantFault, ecommerce_id};

use super::{cents, listed, partial, states};
use crate::MerchantFixture;

#[tokio::test]
async fn merging_two_rows_of_a_payment_keeps_each_refund_once() {
    let merchant = MerchantFixture::open().await;
    let reference = || "12-ab".parse().unwrap();
    let seen = |refunded: i64| {
        Transaction::builder(athm_core::Status::Completed, cents(2500)).refunded_amount(cents(refunded))
    };
    let sender = || Sender::new("kiosk");
    // Recorded by its reference alone, by its ecommerceId alone, then by both.
    let one = merchant.athm.record(seen(500).reference_number(reference()).build(), sender()).await.unwrap();
    merchant.athm.record(seen(800).reference_number(reference()).build(), sender()).await.unwrap();
    let other = merchant.athm.record(seen(500).ecommerce_id(ecommerce_id(1)).build(), sender()).await.unwrap();
    let both = seen(800).ecommerce_id(ecommerce_id(1)).reference_number(reference()).build();
    let merged = merchant.athm.record(both, sender()).await.unwrap();
    assert_eq!((merged.transaction().id(), merged.events()), (other.transaction().id(), &[][..]));
    let kept = states(&merchant, merged.transaction()).await;
    assert_eq!(kept, [(RefundState::Done, 500), (RefundState::Done, 300)]);
    assert_eq!(listed(&merchant, one.transaction()).await, []);
}

#[tokio::test]
async fn a_reserved_refund_moves_to_the_row_that_its_payment_is_merged_into() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.set_status("COMPLETED");
    // It is recorded by its reference first, like an app payment.
    let seen =
        Transaction::builder(athm_core::Status::Completed, cents(2500)).reference_number("12-ab".parse().unwrap());
    let apart = merchant.athm.record(seen.build(), Sender::new("kiosk")).await.unwrap().transaction().clone();
    assert_ne!(apart.id(), open.id());
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.fail_next("/searchTransaction", MerchantFault::RequestLost);
    let error = merchant.athm.refund(apart.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };

    assert_eq!(merchant.athm.authorize(open.id()).await.unwrap().status(), &athm_core::Status::Completed);
    assert_eq!(merchant.athm.transaction(apart.id()).await.unwrap(), None);
    let kept = listed(&merchant, &open).await;
    assert_eq!(kept.iter().map(|kept| (kept.id, kept.state)).collect::<Vec<_>>(), [(refund, RefundState::Done)]);
    assert_eq!(merchant.refunded(), 700);
}
