//! athm's tables as they are documented: the view for people, and a page that names every column.

use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::{Amount, Sender, Status, Transaction};
use athm_tests::{ecommerce_id, payment, trusting_builder};

use crate::Database;
use crate::own::Own;

const KIOSK: Sender = Sender::from_static("kiosk");

#[tokio::test]
async fn the_view_shows_payments_in_text_with_dollars_and_times_in_utc() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let own = Own::new(&database);
    let paid = payment(1, Status::Completed)
        .reference_number("12-ab".parse().unwrap())
        .fee(Amount::from_cents(5))
        .date("2024-11-05T13:41:27Z".parse().unwrap())
        .build();
    let paid = athm.record(paid, KIOSK).await.unwrap().transaction().clone();
    let donation = Transaction::builder(Status::Completed, Amount::from_cents(100_000_001));
    athm.record(donation.reference_number("13-cd".parse().unwrap()).build(), KIOSK).await.unwrap();

    let texts = own.texts(
        "SELECT id || ' ' || ecommerce_id || ' ' || total || ' ' || fee || ' ' || refunded_amount || ' ' || date || ' ' \
         || status FROM athm_payment WHERE reference_number = '12-ab'",
    );
    let expected = format!("{} {} 25.00 0.05 0.00 2024-11-05T13:41:27Z completed", paid.id(), ecommerce_id(1));
    assert_eq!(texts.await, [expected]);
    // What isn't there is NULL.
    let without =
        "SELECT total FROM athm_payment WHERE ecommerce_id IS NULL AND expected_total IS NULL AND deadline IS NULL";
    assert_eq!(own.texts(without).await, ["1000000.01"]);
    let created_at = own.texts("SELECT created_at FROM athm_payment WHERE reference_number = '12-ab'").await.remove(0);
    assert_eq!(created_at.parse::<jiff::Timestamp>().unwrap().as_second(), paid.created_at().as_second());
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn the_page_of_the_tables_names_every_table_and_column() {
    let database = Database::new();
    let athm = trusting_builder(&database, Dispatcher::empty()).start().await.unwrap();
    let own = Own::new(&database);
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../athm-core/src/guide/tables.md")).unwrap();
    let columns = own.texts(Own::COLUMNS).await;
    assert!(columns.len() > 100, "{columns:?}");
    let hidden = ["athm_inbox", "athm_operation", "athm_poll", "athm_alert", "athm_migration"];
    for (table, column) in columns.iter().filter_map(|column| column.split_once('.')) {
        assert!(page.contains(&format!("`{table}`")), "{table}");
        assert!(hidden.contains(&table) || page.contains(&format!("`{column}`")), "{table}.{column}");
    }
    athm.shutdown(Duration::ZERO).await;
}
