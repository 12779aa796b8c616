//! Refunds of ours that race one another, and messages about them, true and forged.

use athm_core::refunds::RefundState;
use athm_core::{Amount, NewPayment, NewRefund};
use futures_util::future::{join, join_all};
use serde_json::json;

use super::Target;

const MUG: Amount = Amount::from_cents(1000);

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_refunds_and_forged_refund_events_never_exceed_the_total() {
    let target = Target::open().await;
    let athm = &target.fixture.athm;
    let open = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    target.fixture.simulator.approve(&id).unwrap();
    let paid = athm.authorize(open.id()).await.unwrap();
    let reference = paid.reference_number().unwrap();
    assert_eq!(target.fixture.noted().await.len(), 2);

    let refunds = join_all((0..4).map(|_| athm.refund(paid.id(), NewRefund::partial(MUG))));
    let storm = join_all((0..40).map(|n| {
        let (target, cents) = (&target, format!("{}.00", n % 5 * 5));
        async move {
            let message = match n % 3 {
                0 => json!({ "transactionType": "refund", "status": "completed", "referenceNumber": reference, "total": cents }),
                1 => json!({ "transactionType": "REFUND", "status": "COMPLETED", "ecommerceId": id, "totalRefundedAmount": cents }),
                _ => json!({ "ecommerceId": id, "status": "CANCEL", "totalRefundedAmount": "25.00" }),
            };
            target.webhook(message).await.0
        }
    }));
    let (made, answers) = join(refunds, storm).await;
    assert!(answers.iter().all(|status| [200, 201, 202, 422].contains(status)), "{answers:?}");

    // Two of 10.00 fit into 25.00, whichever source reported them first; the others exceed the remaining amount.
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 2, "{made:?}");
    let at_the_provider = target.fixture.simulator.payment(&id).unwrap();
    assert_eq!(at_the_provider.refunded_amount, Amount::from_cents(2000));
    let payment = target.recorded(&id).await.unwrap();
    assert_eq!(payment.refunded_amount(), Amount::from_cents(2000));
    let kept = athm.refunds().of(paid.id()).await.unwrap();
    let done: Vec<_> =
        kept.iter().filter(|refund| refund.state == RefundState::Done).map(|refund| refund.amount).collect();
    assert_eq!(done, [MUG, MUG], "{kept:?}");
    let noted = target.fixture.noted().await;
    assert_eq!(noted.iter().filter(|noted| noted.starts_with("refunded by")).count(), 2, "{noted:?}");
    assert_eq!(noted.iter().filter(|noted| noted.starts_with("cancelled")).count(), 0, "{noted:?}");
    assert_eq!(target.fixture.request_count("/refund"), 2);
}
