//! What a person must look at is listed, counted and paged.

use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::problems::ProblemKind;
use athm_core::transactions::TransactionQuery;
use athm_core::{Amount, MessageResult, NewPayment, Rejection, Status};
use athm_simulator::{Effect, Endpoint, Fault};
use athm_tests::{TestDatabase as _, completed_payment};
use serde_json::json;

use crate::SimulatorFixture;

const DOLLAR: Amount = Amount::from_cents(100);

async fn kinds(fixture: &SimulatorFixture) -> Vec<ProblemKind> {
    fixture.athm.problems().list(None, 100).await.unwrap().iter().map(|problem| problem.kind).collect()
}

#[tokio::test]
async fn a_mismatch_is_listed_until_it_is_accepted() {
    let fixture = SimulatorFixture::open().await;
    assert_eq!((kinds(&fixture).await, fixture.athm.problems().counts().await.unwrap().len()), (Vec::new(), 0));
    fixture.simulator.fail_next(Endpoint::Create, Fault::Total(DOLLAR));
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    fixture.callback(json!({ "ecommerceId": open.ecommerce_id(), "status": "OPEN" })).await;
    let listed = fixture.athm.problems().list(None, 100).await.unwrap();
    assert_eq!((listed.len(), listed[0].kind, listed[0].transaction_id), (1, ProblemKind::Mismatch, Some(open.id())));
    assert_eq!(listed[0].detail, "opened with 2500 cents, the provider says 100");
    fixture.athm.accept_mismatch(open.id()).await.unwrap();
    assert_eq!(kinds(&fixture).await, []);
}

#[tokio::test]
async fn a_refused_check_and_a_refund_without_outcome_are_listed_oldest_first_a_page_at_a_time() {
    let fixture = SimulatorFixture::open_with(|builder| {
        builder.check(|payment| match payment.metadata_1() {
            "order-8" => Err(Rejection::new("order 8 is withdrawn")),
            _ => Ok(()),
        })
    })
    .await;
    let paid = fixture.simulator.insert(completed_payment());
    fixture.callback(json!({ "ecommerceId": paid, "status": "COMPLETED" })).await;
    let paid = fixture.athm.transaction_by_ecommerce_id(&paid).await.unwrap().unwrap();
    fixture.simulator.fail_next(Endpoint::Refund, Fault::BadGateway(Effect::Absent));
    let error = fixture.athm.refund(paid.id(), athm_core::NewRefund::full()).await.unwrap_err();
    assert!(matches!(error, OperationError::RefundUnknown { .. }), "{error:?}");
    fixture.clock.advance(Duration::from_secs(24 * 60 * 60));
    let refused = fixture.simulator.insert(completed_payment().metadata_1("order-8"));
    let answer = fixture.callback(json!({ "ecommerceId": refused, "status": "COMPLETED" })).await;
    assert_eq!(answer, MessageResult::Refused);

    let counts = fixture.athm.problems().counts().await.unwrap();
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [(ProblemKind::RefusedCheck, 1), (ProblemKind::UnresolvedRefund, 1)]
    );
    let problems = fixture.athm.problems();
    let first = problems.list(None, 1).await.unwrap();
    let second = problems.list(first.last().cloned(), 1).await.unwrap();
    assert_eq!((first[0].kind, second[0].kind), (ProblemKind::UnresolvedRefund, ProblemKind::RefusedCheck));
    assert_eq!(second[0].detail, "order 8 is withdrawn");
    assert_eq!(problems.list(second.last().cloned(), 1).await.unwrap(), []);
}

#[tokio::test]
async fn a_dead_delivery_is_listed() {
    let fixture = SimulatorFixture::open_with(|builder| {
        builder.connect("fails", [athm_core::Signal::Completed], |_| -> Result<(), athm_core::Permanent> {
            Err(athm_core::Permanent::new("no such order"))
        })
    })
    .await;
    let id = fixture.simulator.insert(completed_payment().status(Status::Completed));
    fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
    fixture.athm.idle().await;
    let listed = fixture.athm.problems().list(None, 100).await.unwrap();
    assert_eq!(listed.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::DeadDelivery]);
    assert!(listed[0].detail.contains("no such order"), "{listed:?}");
}

#[tokio::test]
async fn a_refund_that_belongs_to_no_payment_we_know_is_listed() {
    let fixture = SimulatorFixture::open().await;
    let stranger = completed_payment().customer_phone("7875550142").customer_email("stranger@example.com");
    let id = fixture.simulator.insert(stranger);
    let refund = fixture.simulator.refund(&id, Amount::from_cents(500)).unwrap();
    let reference = fixture.simulator.payment(&refund).unwrap().reference_number;
    let event =
        json!({ "transactionType": "refund", "status": "completed", "referenceNumber": reference, "total": "5.00" });
    assert_eq!(fixture.webhook(event).await, MessageResult::Known);
    assert_eq!(kinds(&fixture).await, [ProblemKind::UnattributedRefund]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_listed_with_the_others() {
    let fixture = SimulatorFixture::open().await;
    for order in ["order-7", "order-8"] {
        let paid = fixture.simulator.insert(completed_payment().metadata_1(order));
        fixture.callback(json!({ "ecommerceId": paid, "status": "COMPLETED" })).await;
    }
    fixture.database().execute("UPDATE athm_transaction SET reference_number = '' WHERE metadata_1 = 'order-7'");
    let page = fixture.athm.transactions(TransactionQuery::new()).await.unwrap();
    assert_eq!(page.transactions().len(), 1, "the other one is listed");

    let listed = fixture.athm.problems().list(None, 100).await.unwrap();
    assert_eq!(listed.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::DamagedRow]);
    assert!(listed[0].detail.starts_with("athm_transaction: "), "{}", listed[0].detail);
    assert_eq!(fixture.athm.problems().counts().await.unwrap()[&ProblemKind::DamagedRow], 1);
    let next = fixture.athm.problems().list(Some(listed[0].clone()), 100).await.unwrap();
    assert_eq!(next, [], "a page after it has no more");
}
