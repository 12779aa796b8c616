//! Messages that say what isn't so.

use std::time::Duration;

use athm_core::{Amount, Context, Signal, Status};
use athm_simulator::SimulatedPayment;
use athm_tests::{TextRecorder, ecommerce_id};
use serde_json::json;

use super::{Target, result, shapes};

#[tokio::test]
async fn a_forged_completion_of_the_buyers_own_open_payment_fires_nothing() {
    let target = Target::open().await;
    let id = target.opened();
    for approved in [Status::Open, Status::Confirmed] {
        for forged in shapes(&id, "COMPLETED") {
            assert_eq!(target.callback(forged.clone()).await, result(202, "pending"), "{forged}");
            assert_eq!(target.webhook(forged.clone()).await, result(202, "pending"), "{forged}");
        }
        let form = format!("ecommerceId={id}&status=completed&referenceNumber=&total=25.00");
        assert_eq!(target.server.form("/athm/callback", form).await, result(202, "pending"));
        assert_eq!(target.status(&id).await, Some(approved.clone()));
        if approved == Status::Open {
            target.fixture.simulator.approve(&id).unwrap();
        }
    }
    target.heard_nothing().await;

    target.fixture.simulator.decline(&id).unwrap();
    target.fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(target.fixture.recorder.wait_for(2).await[1][..9], *"cancelled");
    assert_eq!(target.status(&id).await, Some(Status::Cancelled));
}

#[tokio::test]
async fn a_missing_status_is_not_read_as_completed() {
    let target = Target::open().await;
    let id = target.opened();
    for silent in [
        json!({ "ecommerceId": id }),
        json!({ "ecommerceId": id, "status": "" }),
        json!({ "ecommerceId": id, "status": null }),
        json!({ "ecommerceId": id, "status": " " }),
        json!({ "ecommerceId": id, "status": "success" }),
        json!({ "ecommerceId": id, "status": 1 }),
        json!({ "ecommerceId": id, "status": "COMPLETED?" }),
        json!({ "status": "success", "data": { "ecommerceId": id } }),
        json!({ "status": "COMPLETED", "data": { "ecommerceId": id } }),
        json!({ "ecommerceId": id, "Status": "COMPLETED", "STATUS": "COMPLETED" }),
    ] {
        assert_eq!(target.callback(silent.clone()).await, result(200, "known"), "{silent}");
    }
    assert_eq!(target.status(&id).await, Some(Status::Open));
    target.heard_nothing().await;
}

#[tokio::test]
async fn a_cheap_payment_with_another_orders_metadata_completes_only_itself() {
    let fulfilled = TextRecorder::new();
    let receiver = {
        let fulfilled = fulfilled.clone();
        move |context: &Context<'_>| {
            let transaction = context.transaction();
            transaction.expect_total(Amount::from_cents(2500))?;
            fulfilled.note(transaction.metadata_1());
            Ok::<_, athm_core::UnexpectedTotal>(())
        }
    };
    let target = Target::open_with(|builder| builder.connect("fulfil", [Signal::Completed], receiver)).await;
    let cheap = SimulatedPayment::new(Amount::from_cents(100)).status(Status::Completed).metadata_1("order-7");
    let cheap = target.fixture.simulator.insert(cheap);
    let forged = json!({ "ecommerceId": cheap, "status": "COMPLETED", "metadata1": "order-7", "total": "25.00" });
    assert_eq!(target.callback(forged).await, result(201, "recorded"));
    target.fixture.athm.idle().await;
    assert_eq!(fulfilled.noted(), [""; 0]);
    let dead = target.fixture.athm.deliveries().dead().await.unwrap();
    assert_eq!((dead.len(), dead[0].receiver.as_str()), (1, "fulfil"));

    target.is_as_good_as_before().await;
    assert_eq!(fulfilled.noted(), ["order-7"]);
}

#[tokio::test]
async fn one_genuine_id_posted_for_two_orders_completes_one_payment() {
    let orders = TextRecorder::new();
    let note = orders.clone();
    let receiver = move |context: &Context<'_>| note.note(context.transaction().metadata_1());
    let target = Target::open_with(|builder| builder.connect("fulfil", [Signal::Completed], receiver)).await;
    let id = target.paid();
    let reference = target.reference(&id);
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(201, "recorded"));

    let simple = id.to_string().replace('-', "");
    for spelling in [id.to_string(), simple, format!("{{{id}}}"), format!("urn:uuid:{id}"), format!(" {id}\t")] {
        let replayed = json!({ "ecommerceId": spelling, "status": "COMPLETED", "metadata1": "order-8", "total": "80" });
        assert_eq!(target.callback(replayed.clone()).await, result(200, "known"), "{replayed}");
        assert_eq!(target.webhook(replayed).await, result(200, "known"));
    }
    let by_reference =
        json!({ "referenceNumber": format!("{reference} "), "status": "completed", "metadata1": "order-8" });
    assert_eq!(target.webhook(by_reference).await, result(200, "known"));
    let under_another_id =
        json!({ "ecommerceId": ecommerce_id(1), "referenceNumber": reference, "status": "COMPLETED" });
    assert_eq!(target.callback(under_another_id).await, result(422, "refused"));

    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
    assert_eq!(orders.noted(), ["order-7"]);
    assert_eq!((target.rows().await, target.recorded(&id).await.unwrap().metadata_1()), (1, "order-7"));
}

#[tokio::test]
async fn a_forged_cancel_of_a_completed_payment_is_refused() {
    let target = Target::open().await;
    let id = target.paid();
    for forged in shapes(&id, "CANCEL").into_iter().chain(shapes(&id, "EXPIRED")).chain(shapes(&id, "cancelled")) {
        assert_eq!(target.callback(forged.clone()).await, result(422, "refused"), "{forged}");
        assert_eq!(target.webhook(forged.clone()).await, result(422, "refused"), "{forged}");
    }
    assert_eq!(target.status(&id).await, Some(Status::Completed));
    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
    assert_eq!(target.fixture.request_count("/findPayment"), 1);
}

#[tokio::test]
async fn a_forged_cancel_of_an_open_payment_fires_nothing() {
    let target = Target::open().await;
    let id = target.opened();
    for forged in shapes(&id, "CANCEL").into_iter().chain(shapes(&id, "EXPIRED")) {
        assert_eq!(target.webhook(forged.clone()).await, result(202, "pending"), "{forged}");
    }
    target.heard_nothing().await;
    target.pay(id);
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(201, "recorded"));
    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
}

#[tokio::test]
async fn a_forged_refund_that_was_never_made_changes_nothing() {
    let target = Target::open().await;
    let id = target.paid();
    let reference = target.reference(&id);
    assert_eq!(target.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(201, "recorded"));
    for forged in [
        json!({ "transactionType": "refund", "status": "completed", "referenceNumber": reference, "total": "25.00" }),
        json!({ "transactionType": "REFUND", "status": "COMPLETED", "ecommerceId": id, "totalRefundedAmount": 2500000 }),
        json!({ "ecommerceId": id, "status": "COMPLETED", "totalRefundedAmount": "25.00" }),
    ] {
        let (status, _) = target.webhook(forged.clone()).await;
        assert!(status == 202 || status == 200, "{forged}: {status}");
    }
    target.fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(target.fixture.noted().await, ["received by callback", "completed by callback"]);
    assert_eq!(target.recorded(&id).await.unwrap().refunded_amount(), Amount::ZERO);
}
