//! Our books are compared with the provider's, and mended.

use std::collections::BTreeMap;
use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::errors::ReconcileError;
use athm_core::provider::ProviderError;
use athm_core::reconcile::{DifferingField, ReconcileSummary};
use athm_core::transactions::TransactionQuery;
use athm_core::{Amount, Item, MessageResult, NewPayment, Sender, Status, Transaction};
use athm_simulator::Outage;
use athm_tests::{TestDatabase, completed_payment, trusting_builder};
use futures_util::future::{Either, join, select};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{Database, SimulatorFixture};

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn open() -> SimulatorFixture {
    SimulatorFixture::open_with(|builder| builder.unknown_payment_rate_limit(1000, 1000)).await
}

fn cents(cents: i64) -> Amount {
    Amount::from_cents(cents)
}

/// The nth of some payments, an hour apart, of which every third was given back in part.
fn insert(fixture: &SimulatorFixture, n: i64) -> serde_json::Value {
    let date = fixture.clock.now() - SignedDuration::from_hours(n + 1);
    let payment = completed_payment().total(cents(1000 + n)).metadata_1(format!("order-{n}")).date(date);
    let id = fixture.simulator.insert(payment.refunded_amount(cents(if n % 3 == 0 { 300 } else { 0 })));
    json!({ "ecommerceId": id, "status": "COMPLETED" })
}

async fn take_in(fixture: &SimulatorFixture, count: i64) {
    for n in 0..count {
        assert_eq!(fixture.webhook(insert(fixture, n)).await, MessageResult::Recorded);
    }
    fixture.noted().await;
}

async fn rows(fixture: &SimulatorFixture) -> Vec<Transaction> {
    fixture.athm.transactions(TransactionQuery::new().limit(1000)).await.unwrap().transactions().to_vec()
}

/// What the books say, by order.
type Books = BTreeMap<String, (Status, [Amount; 4])>;

async fn ours(fixture: &SimulatorFixture) -> Books {
    let row = |row: Transaction| {
        let amounts = [row.total(), row.fee(), row.net_amount(), row.refunded_amount()];
        (row.metadata_1().to_owned(), (row.status().clone(), amounts))
    };
    rows(fixture).await.into_iter().map(row).collect()
}

fn theirs(fixture: &SimulatorFixture) -> Books {
    let payment = |payment: athm_simulator::SimulatedPayment| {
        let amounts = [payment.total, payment.fee.unwrap(), payment.net_amount.unwrap(), payment.refunded_amount];
        (payment.metadata_1.clone(), (payment.status.clone(), amounts))
    };
    fixture.simulator.payments().into_iter().map(payment).collect()
}

/// From the beginning of what the tests put into the books.
fn beginning(fixture: &SimulatorFixture) -> Timestamp {
    fixture.clock.now() - DAY * 10
}

async fn run(fixture: &SimulatorFixture) -> ReconcileSummary {
    fixture.athm.reconcile(beginning(fixture), fixture.clock.now()).run().await.unwrap()
}

#[tokio::test]
async fn a_database_with_missing_and_altered_payments_is_corrected_to_the_cent() {
    let mut fixture = open().await;
    take_in(&fixture, 100).await;
    assert_eq!(ours(&fixture).await, theirs(&fixture));
    let fired = fixture.recorder.noted().len();

    let of = |tenth: i64| {
        let orders: Vec<_> = (0..100).filter(|n| n % 10 == tenth).map(|n| format!("'order-{n}'")).collect();
        format!("(SELECT id FROM athm_transaction WHERE metadata_1 IN ({}))", orders.join(", "))
    };
    let lost = of(3);
    let events = format!("(SELECT id FROM athm_event WHERE transaction_id IN {lost})");
    let mut sql = vec![format!("DELETE FROM athm_delivery WHERE event_id IN {events}")];
    for table in ["event", "refund", "item", "customer", "poll"] {
        sql.push(format!("DELETE FROM athm_{table} WHERE transaction_id IN {lost}"));
    }
    sql.push(format!("DELETE FROM athm_transaction WHERE id IN {lost}"));
    let altered = of(7);
    for change in [
        "fee = fee + 7, net_amount = net_amount - 7",
        "refunded_amount = CASE WHEN refunded_amount = 0 THEN 450 ELSE 0 END",
        "total = total - 1 , status = CASE WHEN total > 1050 THEN 'open' ELSE status END",
    ] {
        sql.push(format!("UPDATE athm_transaction SET {change} WHERE id IN {altered}"));
    }
    fixture.stop().await;
    sql.iter().for_each(|sql| fixture.database().execute(sql));
    fixture.restart().await;
    let before = ours(&fixture).await;
    assert_eq!(before.len(), 90);

    let reconciliation = || fixture.athm.reconcile(beginning(&fixture), fixture.clock.now());
    let dry = reconciliation().dry_run().await.unwrap();
    assert_eq!((dry.entries, dry.missing.len(), dry.events), (100, 10, 0));
    assert!(dry.missing.iter().all(|missing| missing.recorded.is_none()));
    assert_eq!(
        dry.differences.iter().filter(|difference| matches!(difference.field, DifferingField::Fee(..))).count(),
        10
    );
    assert_eq!(ours(&fixture).await, before);

    let mended = reconciliation().run().await.unwrap();
    assert_eq!((mended.missing.len(), &mended.differences), (10, &dry.differences));
    assert!(mended.agrees(), "{mended:?}");
    assert_eq!(ours(&fixture).await, theirs(&fixture));
    // What was lost fires again, and only that: completions, and the refunds of every third.
    let news = fixture.noted().await.split_off(fired);
    let count = |what: &str| news.iter().filter(|noted| *noted == what).count();
    assert_eq!((count("completed by reconcile"), count("refunded by reconcile")), (10, 4));
    assert_eq!((news.len(), mended.events), (28, 14));

    let again = reconciliation().run().await.unwrap();
    assert_eq!((again.entries, again.missing.len(), again.differences.len(), again.events), (100, 0, 0, 0));
    assert_eq!(fixture.noted().await.len(), fired + 28);
}

#[tokio::test]
async fn a_report_that_lacks_a_known_refund_does_not_remove_it() {
    let mut fixture = open().await;
    let message = insert(&fixture, 0);
    assert_eq!(fixture.webhook(message.clone()).await, MessageResult::Recorded);
    fixture.noted().await;
    let before = rows(&fixture).await.remove(0);
    assert_eq!(fixture.athm.refunds().of(before.id()).await.unwrap().len(), 1);
    let fired = fixture.recorder.noted().len();
    let payment = fixture.simulator.payments().remove(0);

    fixture.simulator.insert(payment.clone().refunded_amount(Amount::ZERO));
    let reconciled = run(&fixture).await;
    let difference = DifferingField::RefundedAmount(cents(300), Amount::ZERO);
    let kinds = |differences: &[athm_core::reconcile::Difference]| {
        differences.iter().map(|it| it.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (kinds(&reconciled.differences), kinds(&reconciled.unresolved)),
        (vec![difference.clone()], vec![difference])
    );
    assert!(!reconciled.agrees());
    assert_eq!(rows(&fixture).await[0].refunded_amount(), cents(300));

    // The row says more than the refunds that are kept: that much is mended, and no more.
    fixture.stop().await;
    fixture.database().execute("UPDATE athm_transaction SET refunded_amount = 450");
    fixture.restart().await;
    assert!(!run(&fixture).await.agrees());
    assert_eq!(rows(&fixture).await[0].refunded_amount(), cents(300));

    fixture.simulator.insert(payment);
    assert!(run(&fixture).await.differences.is_empty());
    fixture.webhook(message).await;
    assert_eq!(fixture.athm.refunds().of(before.id()).await.unwrap().len(), 1);
    assert_eq!((fixture.noted().await.len(), rows(&fixture).await[0].refunded_amount()), (fired, cents(300)));
}

#[tokio::test]
async fn an_unnoticed_completion_of_our_checkout_is_recorded_in_its_own_row() {
    let fixture = open().await;
    let open = fixture.athm.create(NewPayment::new(cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    fixture.simulator.insert(completed_payment().ecommerce_id(id).metadata_2("-").date(fixture.clock.now() - DAY));
    let reconciled = run(&fixture).await;
    assert_eq!((reconciled.missing.len(), reconciled.events), (0, 1));
    assert!(matches!(reconciled.differences[0].field, DifferingField::Status(Status::Open, Status::Completed)));
    assert_eq!(fixture.noted().await, ["received by reconcile", "completed by reconcile"]);
    let rows = rows(&fixture).await;
    assert_eq!((rows.len(), rows[0].id(), rows[0].status()), (1, open.id(), &Status::Completed));
}

#[tokio::test]
async fn a_slice_that_the_provider_refuses_as_too_long_is_halved() {
    let fixture = open().await;
    take_in(&fixture, 3).await;
    let from = fixture.clock.now() - DAY * 100;
    let mut percents = Vec::new();
    let reconciliation = fixture.athm.reconcile(from, fixture.clock.now()).slice(Duration::from_secs(100 * 86_400));
    let reconciled = reconciliation.on_progress(|progress| percents.push(progress.percent())).dry_run().await.unwrap();
    assert_eq!((reconciled.entries, reconciled.done_until), (3, fixture.clock.now()));
    assert_eq!(percents, [25, 50, 75, 100]);
}

#[tokio::test]
async fn an_interrupted_reconciliation_resumes_where_it_stopped() {
    let fixture = open().await;
    (0..100).for_each(|n| drop(insert(&fixture, n)));
    let (from, until) = (beginning(&fixture), fixture.clock.now());
    let breaking = fixture.athm.reconcile(from, until).on_progress(|progress| {
        if progress.entries > 30 {
            fixture.simulator.fail_with(Outage::BadGatewayPage);
        }
    });
    // What reads the report asks again after a pause.
    let passing = async {
        loop {
            fixture.clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
    };
    let Either::Left((broken, _)) = select(Box::pin(breaking.run()), Box::pin(passing)).await;
    let ReconcileError::Provider { so_far, source: ProviderError::NoJson { .. } } = broken.unwrap_err() else {
        panic!()
    };
    assert!(so_far.entries > 30 && so_far.entries < 100, "{}", so_far.entries);
    fixture.simulator.recover();
    let rest = fixture.athm.reconcile(so_far.done_until, until).run().await.unwrap();
    assert_eq!(so_far.missing.len() + rest.missing.len(), 100);
    assert_eq!(ours(&fixture).await, theirs(&fixture));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_while_messages_come_in_and_each_completion_fires_once() {
    let fixture = open().await;
    let messages: Vec<_> = (0..60).map(|n| insert(&fixture, n)).collect();
    let traffic = async {
        for message in messages {
            fixture.webhook(message).await;
        }
    };
    let (reconciled, ()) = join(run(&fixture), traffic).await;
    assert_eq!(reconciled.entries, 60);
    assert_eq!(ours(&fixture).await, theirs(&fixture));
    let completed = fixture.noted().await.into_iter().filter(|noted| noted.starts_with("completed")).count();
    assert_eq!((completed, rows(&fixture).await.len()), (60, 60));
}

#[tokio::test]
async fn a_payment_that_the_report_lacks_is_listed_and_unchanged() {
    let fixture = open().await;
    take_in(&fixture, 2).await;
    let ghost = Transaction::builder(Status::Completed, cents(100)).reference_number("77-ghost".parse().unwrap());
    let ghost = ghost.date(fixture.clock.now() - DAY).build();
    let recorded = fixture.athm.record(ghost, Sender::new("kiosk")).await.unwrap();
    let reconciled = run(&fixture).await;
    assert_eq!(reconciled.unreported, [recorded.transaction().id()]);
    assert!(!reconciled.agrees());
    assert_eq!(rows(&fixture).await.len(), 3);
}

#[tokio::test]
async fn an_impossible_reconciliation_is_an_error_with_the_reason() {
    let fixture = open().await;
    let now = fixture.clock.now();
    for (from, until) in [(now, now), (now, now - DAY), (now + DAY, now + DAY * 2)] {
        let error = fixture.athm.reconcile(from, until).run().await.unwrap_err();
        assert!(matches!(error, ReconcileError::Range), "{error:?}");
    }
    assert_eq!(fixture.request_count("/transactionReport"), 0);
    let database = Database::default();
    let trusting = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    assert!(matches!(trusting.reconcile(now - DAY, now).run().await, Err(ReconcileError::NoProvider)));
    trusting.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_payment_with_a_damaged_row_holds_up_no_other() {
    let fixture = open().await;
    for n in 0..3 {
        let date = fixture.clock.now() - SignedDuration::from_hours(n + 1);
        let payment = completed_payment().metadata_1(format!("order-{n}")).date(date);
        let id = fixture.simulator.insert(payment.item(Item::new("Coffee", cents(2500))));
        let webhook = json!({ "ecommerceId": id, "status": "COMPLETED" });
        assert_eq!(fixture.webhook(webhook).await, MessageResult::Recorded);
    }
    fixture.database().execute("UPDATE athm_transaction SET fee = 1");
    let damaged = "(SELECT id FROM athm_transaction WHERE metadata_1 = 'order-1')";
    fixture.database().execute(&format!("UPDATE athm_item SET quantity = 'many' WHERE transaction_id = {damaged}"));
    let summary = run(&fixture).await;
    assert_eq!((summary.entries, summary.damaged.len(), summary.agrees()), (3, 1, false), "{summary:?}");
    let fees: Vec<_> = rows(&fixture).await.into_iter().map(|row| (row.metadata_1().to_owned(), row.fee())).collect();
    assert_eq!(fees.len(), 2, "{fees:?}");
    assert!(fees.iter().all(|(_, fee)| *fee != cents(1)), "{fees:?}");
}
