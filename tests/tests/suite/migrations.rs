//! A database of an earlier version comes up to date when it is opened, with all that is in it.

use athm_core::{Amount, NewPayment, NewRefund, Receipt, Status, Transaction, TransactionQuery};
use athm_tests::{Backend, paid};
use serde_json::json;

use crate::Business;

/// What has come since the first version.
const SINCE: [&str; 5] = [
    "DROP TABLE athm_errand",
    "DROP TABLE athm_refund",
    "DROP TABLE athm_intent",
    "DROP INDEX athm_transaction_open",
    "DELETE FROM athm_migration WHERE version > 1",
];

async fn rows(business: &Business) -> Vec<Transaction> {
    business.athm.transactions(TransactionQuery::new()).await.unwrap().transactions().to_vec()
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let mut business = Business::sweeping(|builder| builder.seed(7)).await;
    let paid_id = business.simulator.insert(paid().metadata_1("order-6"));
    let message = json!({ "ecommerceId": paid_id, "status": "COMPLETED" });
    assert_eq!(business.webhook(message.clone()).await, Receipt::Recorded);
    let open = business.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    business.recorder.wait_for(2).await;
    let is_known = async || {
        rows(&business).await.iter().any(|row| row.ecommerce_id() == Some(&paid_id) && row.customer().is_some())
    };
    athm_tests::pass_until(&business.clock, is_known).await;
    let (before, fired) = (rows(&business).await, business.noted().await);
    assert_eq!(before.len(), 2);

    business.stop().await;
    SINCE.iter().for_each(|sql| business.database().execute(sql));
    business.restart().await;

    assert_eq!(rows(&business).await, before);
    // It is known what has been told, and to whom.
    assert_eq!(business.webhook(message).await, Receipt::Known);
    assert_eq!(business.noted().await, fired);
    // What has come since works with what was there before: money is given back, and open payments are polled.
    let paid = business.athm.transaction_by_ecommerce_id(&paid_id).await.unwrap().unwrap();
    let refund = business.athm.refund(paid.id(), NewRefund::partial(Amount::from_cents(300))).await.unwrap();
    assert_eq!(business.athm.refunds().of(paid.id()).await.unwrap(), [refund]);
    business.simulator.decline(open.ecommerce_id().unwrap()).unwrap();
    athm_tests::pass_until(&business.clock, async || {
        let open = business.athm.transaction(open.id()).await.unwrap().unwrap();
        open.status() == &Status::Cancelled
    })
    .await;
}
