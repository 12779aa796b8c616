//! A database of an earlier version comes up to date when it is opened, with all that is in it.

use athm_core::{Amount, NewPayment, NewRefund, Receipt, Status, Transaction, TransactionQuery};
use athm_tests::{TestDatabase, completed_payment};
use serde_json::json;

use crate::SimulatorFixture;

/// What has come since the first version.
const SINCE: [&str; 5] = [
    "DROP TABLE athm_errand",
    "DROP TABLE athm_refund",
    "DROP TABLE athm_intent",
    "DROP INDEX athm_transaction_open",
    "DELETE FROM athm_migration WHERE version > 1",
];

async fn rows(fixture: &SimulatorFixture) -> Vec<Transaction> {
    fixture.athm.transactions(TransactionQuery::new()).await.unwrap().transactions().to_vec()
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let mut fixture = SimulatorFixture::open_with_sweeper(|builder| builder.seed(7)).await;
    let paid_id = fixture.simulator.insert(completed_payment().metadata_1("order-6"));
    let message = json!({ "ecommerceId": paid_id, "status": "COMPLETED" });
    assert_eq!(fixture.webhook(message.clone()).await, Receipt::Recorded);
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    fixture.recorder.wait_for(2).await;
    let is_known = async || {
        rows(&fixture).await.iter().any(|row| row.ecommerce_id() == Some(&paid_id) && row.customer().is_some())
    };
    athm_tests::advance_until(&fixture.clock, is_known).await;
    let (before, fired) = (rows(&fixture).await, fixture.noted().await);
    assert_eq!(before.len(), 2);

    fixture.stop().await;
    SINCE.iter().for_each(|sql| fixture.database().execute(sql));
    fixture.restart().await;

    assert_eq!(rows(&fixture).await, before);
    // It is known what has been told, and to whom.
    assert_eq!(fixture.webhook(message).await, Receipt::Known);
    assert_eq!(fixture.noted().await, fired);
    // What has come since works with what was there before: money is given back, and open payments are polled.
    let paid = fixture.athm.transaction_by_ecommerce_id(&paid_id).await.unwrap().unwrap();
    let refund = fixture.athm.refund(paid.id(), NewRefund::partial(Amount::from_cents(300))).await.unwrap();
    assert_eq!(fixture.athm.refunds().of(paid.id()).await.unwrap(), [refund]);
    fixture.simulator.decline(open.ecommerce_id().unwrap()).unwrap();
    athm_tests::advance_until(&fixture.clock, async || {
        let open = fixture.athm.transaction(open.id()).await.unwrap().unwrap();
        open.status() == &Status::Cancelled
    })
    .await;
}
