//! The plans of lists of payments and of claims.

use super::*;
use crate::store::fixtures::payment_queries;
use crate::store::payment_list::{PAID_BY, PaymentList};
use crate::store::postgres::claim::{ORDINARY, SUSPECTS};

const PAYMENTS: &str = "INSERT INTO athm_transaction (id, kind, status, reference_number, total, subtotal, tax, fee, \
    net_amount, refunded_amount, metadata_1, metadata_2, verified, created_at, updated_at, daily_transaction_id) \
    SELECT gen_random_uuid(), 'ecommerce', 'completed', 'ref-' || n, 2500, 2500, 0, 0, 0, 0, 'order-' || (n / 2), '', true, \
    to_timestamp(0) + n * interval '1 microsecond', now(), lpad((n % 1000)::text, 4, '0') \
    FROM generate_series(1, 100000) AS n; \
    INSERT INTO athm_customer (transaction_id, phone, email) \
    SELECT id, '787' || lpad((n / 4)::text, 7, '0'), 'Customer' || (n / 4) || '@example.com' FROM (SELECT id, \
    (extract(epoch FROM created_at) * 1000000)::bigint AS n FROM athm_transaction) AS paid; ANALYZE athm_transaction, athm_customer";

/// The plan that a prepared statement keeps, whatever its values are.
async fn plan(fixture: &StoreFixture, sql: &str, values: usize) -> String {
    let values = vec!["NULL"; values].join(", ");
    let explain = format!(
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE listed AS {sql}; \
         EXPLAIN EXECUTE listed ({values})"
    );
    let plan = fixture.query(&explain).await.join("\n");
    assert!(!plan.contains("Seq Scan"), "{plan}");
    plan
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn each_list_of_payments_follows_an_index_through_100_000_rows() {
    let fixture = StoreFixture::new(0).await;
    fixture.query(PAYMENTS).await;
    for (query, index, found) in payment_queries() {
        let plan = plan(&fixture, PaymentList::of(&query).sql, 13).await;
        // Where every payment has the status, the newest ones are as good.
        assert!(plan.contains(index.trim_end_matches("_by_status")), "{index}: {plan}");
        assert_eq!(fixture.store.list_payments(query).await.unwrap().transactions().len(), found, "{index}");
    }
    let plan = plan(&fixture, PAID_BY, 4).await;
    for index in ["athm_customer_phone", "athm_customer_email"] {
        assert!(plan.contains(index), "{plan}");
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_claim_that_was_planned_while_nothing_was_due_reads_no_backlog() {
    let fixture = StoreFixture::new(0).await;
    let check = async || {
        let suspects = plan(&fixture, SUSPECTS, 4).await;
        assert!(suspects.contains("athm_delivery_interrupted"), "{suspects}");
        let ordinary = plan(&fixture, ORDINARY, 7).await;
        assert!(ordinary.contains("Tid Scan") && ordinary.contains("athm_delivery_runnable"), "{ordinary}");
    };
    check().await;
    fixture.record(1).await.unwrap();
    let ended = "UPDATE athm_delivery SET state = 'succeeded'; \
                 INSERT INTO athm_delivery SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(), \
                 'receiver', n))).* FROM athm_delivery d, generate_series(1, 10000) AS n; ANALYZE athm_delivery";
    fixture.query(ended).await;
    check().await;
}
