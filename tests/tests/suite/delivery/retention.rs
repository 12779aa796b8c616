//! How long ended deliveries are kept.

use athm_core::testing::Clock;
use athm_core::{Permanent, Status};
use athm_tests::{eventually, payment};

use super::{DAY, KIOSK, complete, dead, program};
use crate::Database;

#[tokio::test]
async fn ended_deliveries_are_pruned_after_90_days_and_payments_are_kept() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["fails", "succeeds"], |id, _| {
        if id == "fails" { Err(Permanent::new("broken")) } else { Ok(()) }
    })
    .await;
    complete(&athm, 1).await;
    athm.idle().await;
    assert_eq!(dead(&athm).await.len(), 1);
    clock.advance(89 * DAY);
    athm.idle().await;
    assert_eq!(dead(&athm).await.len(), 1);
    eventually(async || {
        clock.advance(DAY);
        dead(&athm).await.is_empty()
    })
    .await;
    let kept = athm.transaction_by_ecommerce_id(&athm_tests::ecommerce_id(1)).await.unwrap().unwrap();
    assert_eq!(athm.events(kept.id()).await.unwrap().len(), 1);
    assert!(athm.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap().events().is_empty());
    athm.shutdown(DAY).await;
}
