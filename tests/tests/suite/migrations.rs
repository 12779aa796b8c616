//! A database of an earlier version comes up to date when it is opened, with all that is in it.

use athm_core::errors::OperationError;
use athm_core::messages::MessageQuery;
use athm_core::refunds::RefundState;
use athm_core::testing::BuilderExt as _;
use athm_core::transactions::TransactionQuery;
use athm_core::{Amount, Item, MessageResult, NewPayment, NewRefund, Status, Transaction};
use athm_simulator::{Effect, Endpoint, Fault};
use athm_tests::{TestDatabase, completed_payment};
use serde_json::json;

use crate::SimulatorFixture;

/// What each version has added, newest first: the statements that take it away again.
const ADDED: [(u32, &[&str]); 19] = [
    (22, &[]),
    (
        21,
        &[
            "CREATE INDEX athm_delivery_succeeded ON athm_delivery (finished_at) WHERE state = 'succeeded'",
            "DROP INDEX athm_message_newest_by_state",
            "CREATE INDEX athm_message_newest_by_state ON athm_message (state, received_at, id)",
        ],
    ),
    (20, &["DROP VIEW athm_payment"]),
    (19, &["DROP TABLE athm_payment_intent"]),
    (
        18,
        &[
            "DROP INDEX athm_delivery_runnable",
            "CREATE INDEX athm_delivery_due ON athm_delivery (due_at) WHERE state IN ('due', 'running')",
        ],
    ),
    (17, &["ALTER TABLE athm_delivery DROP COLUMN waited_ms"]),
    (16, &["DROP INDEX athm_transaction_metadata", "DROP INDEX athm_customer_phone", "DROP INDEX athm_customer_email"]),
    (15, &["DROP TABLE athm_attempt"]),
    (14, &["DROP TABLE athm_alert"]),
    (13, &["DROP INDEX athm_delivery_dismissed", "ALTER TABLE athm_delivery DROP COLUMN dismissal"]),
    (
        12,
        &[
            "DROP TABLE athm_message",
            "DROP INDEX athm_inbox_unmatched",
            "ALTER TABLE athm_inbox ADD COLUMN body TEXT NOT NULL DEFAULT 'status=completed&referenceNumber=99-x'",
        ],
    ),
    // Columns' collations, which earlier versions don't mind.
    (11, &[]),
    (
        10,
        &[
            "DROP INDEX athm_delivery_interrupted",
            "ALTER TABLE athm_delivery DROP COLUMN interruptions",
            "ALTER TABLE athm_delivery DROP COLUMN claim",
        ],
    ),
    (9, &["ALTER TABLE athm_delivery DROP COLUMN waits_for_customer"]),
    (8, &["DROP TABLE athm_checkout_push", "DROP TABLE athm_checkout_payment", "DROP TABLE athm_checkout"]),
    (
        7,
        &[
            "DROP INDEX athm_transaction_mismatch",
            "ALTER TABLE athm_transaction DROP COLUMN expected_total",
            "ALTER TABLE athm_transaction DROP COLUMN accepted_total",
            "DROP INDEX athm_poll_due",
            "ALTER TABLE athm_poll DROP COLUMN is_search",
            "CREATE INDEX athm_poll_due ON athm_poll (due_at)",
            "DROP INDEX athm_inbox_refund",
            "ALTER TABLE athm_inbox DROP COLUMN refunds",
            "DROP INDEX athm_event_rejected",
        ],
    ),
    (
        6,
        &[
            "DROP INDEX athm_transaction_problem",
            "ALTER TABLE athm_transaction DROP COLUMN problem",
            "ALTER TABLE athm_item DROP COLUMN quantity",
            "ALTER TABLE athm_item ADD COLUMN quantity INTEGER NOT NULL DEFAULT 2",
        ],
    ),
    (
        5,
        &[
            "ALTER TABLE athm_poll RENAME TO athm_errand",
            "DROP INDEX athm_poll_due",
            "CREATE INDEX athm_errand_due ON athm_errand (due_at)",
            "ALTER TABLE athm_operation RENAME COLUMN attempts TO looks",
            "ALTER TABLE athm_operation RENAME TO athm_intent",
            "DROP INDEX athm_operation_due",
            "CREATE INDEX athm_intent_due ON athm_intent (due_at)",
        ],
    ),
    (
        2,
        &[
            "DROP TABLE athm_errand",
            "DROP TABLE athm_refund",
            "DROP TABLE athm_intent",
            "DROP INDEX athm_transaction_open",
        ],
    ),
];

/// Makes of a database of today what it was at that version.
fn go_back(fixture: &SimulatorFixture, version: u32) {
    for (_, statements) in ADDED.iter().filter(|(added, _)| *added > version) {
        statements.iter().for_each(|sql| fixture.database().execute(sql));
    }
    fixture.database().execute(&format!("DELETE FROM athm_migration WHERE version > {version}"));
}

async fn rows(fixture: &SimulatorFixture) -> Vec<Transaction> {
    fixture.athm.transactions(TransactionQuery::new()).await.unwrap().transactions().to_vec()
}

/// What a poll of an open payment, which may be under way, leaves alone.
fn lasting(rows: &[Transaction]) -> Vec<impl PartialEq + std::fmt::Debug> {
    let of = |row: &Transaction| {
        let (status, reference) = (row.status().clone(), row.reference_number().cloned());
        let (items, customer) = (row.items().to_vec(), row.customer().cloned());
        (row.id(), status, reference, row.total(), row.metadata_1().to_owned(), items, customer)
    };
    rows.iter().map(of).collect()
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let mut fixture = SimulatorFixture::open_with_sweeper(|builder| builder.seed(7)).await;
    let mugs = Item::new("Mug", Amount::from_cents(1250)).quantity(2);
    let paid_id = fixture.simulator.insert(completed_payment().metadata_1("order-6").item(mugs));
    let message = json!({ "ecommerceId": paid_id, "status": "COMPLETED" });
    assert_eq!(fixture.webhook(message.clone()).await, MessageResult::Recorded);
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    fixture.recorder.wait_for(2).await;
    let is_known = async || {
        rows(&fixture).await.iter().any(|row| row.ecommerce_id() == Some(&paid_id) && row.customer().is_some())
    };
    athm_tests::advance_until(&fixture.clock, is_known).await;
    let (before, fired) = (rows(&fixture).await, fixture.noted().await);
    assert_eq!(before.len(), 2);
    assert!(before.iter().any(|row| row.items().iter().any(|item| item.quantity == 2.into())));

    fixture.stop().await;
    go_back(&fixture, 1);
    fixture.restart().await;

    assert_eq!(lasting(&rows(&fixture).await), lasting(&before));
    // Its events and their deliveries are kept.
    assert_eq!(fixture.webhook(message).await, MessageResult::Known);
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

#[tokio::test]
async fn a_database_of_the_previous_version_keeps_its_polls_and_its_operations_with_an_unknown_outcome() {
    let mut fixture = SimulatorFixture::open_with_sweeper(|builder| builder.seed(7)).await;
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let paid_id = fixture.simulator.insert(completed_payment().metadata_1("order-6"));
    fixture.webhook(json!({ "ecommerceId": paid_id, "status": "COMPLETED" })).await;
    let paid = fixture.athm.transaction_by_ecommerce_id(&paid_id).await.unwrap().unwrap();
    fixture.simulator.fail_next(Endpoint::Refund, Fault::BadGateway(Effect::Done));
    fixture.simulator.fail_next(Endpoint::Find, Fault::BadGateway(Effect::Absent));
    let unknown = fixture.athm.refund(paid.id(), NewRefund::partial(Amount::from_cents(300))).await;
    assert!(matches!(unknown, Err(OperationError::RefundUnknown { .. })), "{unknown:?}");

    fixture.stop().await;
    go_back(&fixture, 4);
    fixture.simulator.decline(open.ecommerce_id().unwrap()).unwrap();
    fixture.restart().await;

    athm_tests::advance_until(&fixture.clock, async || {
        let open = fixture.athm.transaction(open.id()).await.unwrap().unwrap();
        let refunds = fixture.athm.refunds().of(paid.id()).await.unwrap();
        open.status() == &Status::Cancelled && refunds.iter().all(|refund| refund.state == RefundState::Done)
    })
    .await;
}

#[tokio::test]
async fn open_payments_of_the_previous_version_expect_the_total_that_they_were_opened_with() {
    let mut fixture = SimulatorFixture::open_with_sweeper(|builder| builder.seed(7).authorize_confirmed()).await;
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    fixture.stop().await;
    go_back(&fixture, 6);
    fixture.restart().await;

    let upgraded = fixture.athm.transaction(open.id()).await.unwrap().unwrap();
    assert_eq!((upgraded.expected_total(), &upgraded), (Some(Amount::from_cents(2500)), &open));
    fixture.simulator.approve(open.ecommerce_id().unwrap()).unwrap();
    athm_tests::advance_until(&fixture.clock, async || fixture.recorder.noted().len() == 2).await;
    assert_eq!(fixture.noted().await, ["received by authorize", "completed by authorize"]);
}

#[tokio::test]
async fn deliveries_that_ran_in_the_previous_version_have_all_their_attempts_left() {
    let mut fixture = SimulatorFixture::open_with(|builder| builder.seed(7)).await;
    let paid_id = fixture.simulator.insert(completed_payment());
    fixture.webhook(json!({ "ecommerceId": paid_id, "status": "COMPLETED" })).await;
    assert_eq!(fixture.noted().await.len(), 2);
    fixture.stop().await;
    go_back(&fixture, 9);
    // Attempts were counted when they began: each of these is the last one.
    fixture.database().execute("UPDATE athm_delivery SET state = 'running', attempts = 10");
    fixture.restart().await;
    fixture.database().end_leases();
    athm_tests::advance_until(&fixture.clock, async || fixture.recorder.noted().len() == 4).await;
    assert_eq!(fixture.athm.deliveries().dead().await.unwrap(), []);
}

#[tokio::test]
async fn refused_and_unmatched_messages_of_the_previous_version_are_listed() {
    let mut fixture = SimulatorFixture::open().await;
    for n in 0..2 {
        fixture.athm.create(NewPayment::new(Amount::from_cents(2500), format!("order-{n}"))).await.unwrap();
    }
    fixture.stop().await;
    go_back(&fixture, 11);
    fixture.database().execute(
        "INSERT INTO athm_inbox (id, state, payment, version, sender, body, reason, attempts, received_at) \
         SELECT id, CASE metadata_1 WHEN 'order-0' THEN 'refused' ELSE 'unmatched' END, NULL, 0, 'webhook', \
         'status=completed', 'the reason', 0, created_at FROM athm_transaction",
    );
    fixture.restart().await;
    let page = fixture.athm.messages().list(MessageQuery::new()).await.unwrap();
    let mut found: Vec<_> = page.messages().iter().map(|found| (found.state.as_str(), found.answer)).collect();
    found.sort_unstable();
    assert_eq!(found, [("refused", 422), ("unmatched", 200)]);
    for message in page.messages() {
        assert_eq!((&message.body[..], message.size), (&b"status=completed"[..], 16));
        assert_eq!(message.reason.as_deref(), Some("the reason"));
    }
}
