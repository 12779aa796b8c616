//! What the provider answers to a refund, and what is believed of it.

use athm_core::errors::OperationError;
use athm_core::refunds::RefundState;
use athm_core::{Amount, NewRefund, Sender, Transaction};
use athm_simulator::{Endpoint, Fault};
use athm_tests::{advance_until, completed_payment};

use super::{cents, partial};
use crate::SimulatorFixture;

async fn paid(fixture: &SimulatorFixture) -> Transaction {
    let id = fixture.simulator.insert(completed_payment());
    let seen = fixture.athm.provider().unwrap().find(&id).await.unwrap();
    fixture.athm.record(seen, Sender::CALLBACK).await.unwrap().transaction().clone()
}

async fn refunded(fixture: &SimulatorFixture, paid: &Transaction) -> Amount {
    fixture.athm.transaction(paid.id()).await.unwrap().unwrap().refunded_amount()
}

#[tokio::test]
async fn a_refund_refused_with_an_unknown_code_may_have_been_done_and_is_found_done() {
    let fixture = SimulatorFixture::open().await;
    let paid = paid(&fixture).await;
    fixture.simulator.fail_next(Endpoint::Refund, Fault::RejectAfter { code: "BTRA_0999".into() });
    let refund = fixture.athm.refund(paid.id(), partial(700)).await.unwrap();
    assert_eq!((refund.state, refund.amount), (RefundState::Done, cents(700)));
    assert_eq!(refunded(&fixture, &paid).await, cents(700));
    let at_the_provider = fixture.simulator.payment(paid.ecommerce_id().unwrap()).unwrap();
    assert_eq!((at_the_provider.refunded_amount, fixture.request_count("/refund")), (cents(700), 1));
}

#[tokio::test]
async fn a_refund_refused_with_an_unknown_code_keeps_its_amount_reserved_while_nothing_shows() {
    let fixture = SimulatorFixture::open().await;
    let paid = paid(&fixture).await;
    fixture.simulator.fail_next(Endpoint::Refund, Fault::Reject { code: "BTRA_0999".into() });
    let error = fixture.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    assert!(matches!(error, OperationError::RefundUnknown { .. }), "{error:?}");
    let again = fixture.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    assert!(matches!(again, OperationError::RefundPending { .. }), "{again:?}");
    assert_eq!(fixture.request_count("/refund"), 1);
}

#[tokio::test]
async fn an_answer_with_the_sum_from_before_counts_its_own_refund() {
    let fixture = SimulatorFixture::open().await;
    let paid = paid(&fixture).await;
    fixture.simulator.fail_next(Endpoint::Refund, Fault::StaleRefundedAmount);
    let refund = fixture.athm.refund(paid.id(), partial(1000)).await.unwrap();
    assert_eq!((refund.state, refund.total_refunded), (RefundState::Done, Some(cents(1000))));
    assert_eq!(refunded(&fixture, &paid).await, cents(1000));
    assert_eq!(fixture.noted().await[2..], ["received by refund", "refunded by refund"]);
    // No more than what is left is asked for.
    assert_eq!(fixture.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(1500));
    assert_eq!(refunded(&fixture, &paid).await, cents(2500));
    advance_until(&fixture.clock, async || fixture.recorder.noted().len() == 6).await;
}
