//! Lists of payments and of problems, with many rows.

use rusqlite::StatementStatus;

use super::*;
use crate::store::fixtures::payment_queries;
use crate::store::payment_list::{PAID_BY, PaymentList};
use crate::store::problem::{COUNT, HAS_NEW_ALERTS, INSERT_ALERTS, LIST};

const PAYMENTS: &str = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000) \
    INSERT INTO athm_transaction (id, kind, status, reference_number, total, subtotal, tax, fee, net_amount, \
    refunded_amount, metadata_1, metadata_2, verified, created_at, updated_at, daily_transaction_id) \
    SELECT CAST(printf('%016d', n) AS BLOB), 'ecommerce', 'completed', 'ref-' || n, 2500, 2500, 0, 0, 0, 0, \
    'order-' || (n / 2), '', 1, n, n, printf('%04d', n % 1000) FROM numbers";
const CUSTOMERS: &str = "INSERT INTO athm_customer (transaction_id, phone, email) \
    SELECT id, '787' || substr('0000000' || (created_at / 4), -7), 'Customer' || (created_at / 4) || '@example.com' \
    FROM athm_transaction";

/// The indexes that a statement searches; panics at one that reads a whole table or index.
async fn plan(fixture: &StoreFixture, sql: &'static str) -> Vec<String> {
    let plan = fixture.store.reader.read(move |connection| {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        statement.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<rusqlite::Result<Vec<_>>>()
    });
    let plan = plan.await.unwrap();
    let scanned = plan.iter().find(|step| step.starts_with("SCAN") && *step != "SCAN c");
    assert_eq!(scanned, None, "{plan:?}");
    plan
}

#[tokio::test]
async fn each_list_of_payments_follows_an_index_through_100_000_rows() {
    let fixture = StoreFixture::with_slots(0);
    let fill = |connection: &Connection| {
        execute(connection, PAYMENTS, [])?;
        Ok(execute(connection, CUSTOMERS, [])?)
    };
    fixture.store.writer.write(fill, |()| ()).await.unwrap();
    for (query, index, found) in payment_queries() {
        let plan = plan(&fixture, PaymentList::of(&query).sql).await;
        assert!(plan.iter().any(|step| step.contains(&format!("INDEX {index} "))), "{index}: {plan:?}");
        assert_eq!(fixture.store.list_payments(query).await.unwrap().transactions().len(), found, "{index}");
    }
    let plan = plan(&fixture, PAID_BY).await;
    for index in ["athm_customer_phone", "athm_customer_email"] {
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
    }
}

#[tokio::test]
async fn problems_are_found_without_reading_the_payments_that_are_none() {
    let fixture = StoreFixture::with_slots(0);
    fixture.store.writer.write(|connection| Ok(execute(connection, PAYMENTS, [])?), |()| ()).await.unwrap();
    for sql in [HAS_NEW_ALERTS, INSERT_ALERTS, LIST, COUNT] {
        let steps = fixture.store.writer.write(
            move |connection| {
                let mut statement = connection.prepare(sql)?;
                for value in 1..=statement.parameter_count() {
                    statement.raw_bind_parameter(value, 1)?;
                }
                let mut rows = statement.raw_query();
                while rows.next()?.is_some() {}
                drop(rows);
                Ok(statement.get_status(StatementStatus::VmStep))
            },
            |steps| steps,
        );
        let steps = steps.await.unwrap();
        assert!(steps < 1000, "{steps} steps: {sql}");
    }
}
