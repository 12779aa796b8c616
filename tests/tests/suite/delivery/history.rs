//! The history of a delivery: its failed attempts, and a success after one.

use std::time::Duration;

use athm_core::deliveries::{AttemptRecord, DeliveryQuery};
use athm_core::ids::DeliveryId;
use athm_core::testing::Clock;
use athm_core::{Athm, Delivery};

use super::{complete, exhaust, program};
use crate::Database;

async fn only(athm: &Athm) -> DeliveryId {
    athm.deliveries().list(DeliveryQuery::new()).await.unwrap().deliveries()[0].id
}

async fn attempts(athm: &Athm) -> Vec<AttemptRecord> {
    athm.deliveries().attempts(only(athm).await).await.unwrap()
}

#[tokio::test]
async fn failed_attempts_are_stored_and_a_success_after_them() {
    let (database, clock) = (Database::new(), Clock::manual());
    let behave = |_, delivery: Delivery| if delivery.attempt() < 3 { Err("not yet") } else { Ok(()) };
    let athm = program(&database, &clock, &["ship"], behave).await;
    let before = clock.now();
    complete(&athm, 1).await;
    athm.idle().await;
    exhaust(&athm, &clock).await;
    let stored = attempts(&athm).await;
    let results: Vec<_> = stored.iter().map(|attempt| (attempt.number, attempt.error.as_deref())).collect();
    assert_eq!(results, [(1, Some("not yet")), (2, Some("not yet")), (3, None)]);
    assert!(stored.is_sorted_by_key(|attempt| attempt.started_at) && stored[0].started_at == before, "{stored:?}");
    assert!(stored.iter().all(|attempt| attempt.ended_at >= attempt.started_at));
    assert!(stored[0].process.contains(&std::process::id().to_string()), "{}", stored[0].process);

    // A replay counts anew, and its success follows failures.
    athm.deliveries().replay(only(&athm).await).force().run().await.unwrap();
    exhaust(&athm, &clock).await;
    let numbers: Vec<_> = attempts(&athm).await.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3, 1, 2, 3]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_delivery_that_succeeds_at_once_has_no_history() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["ship"], |_, _| ()).await;
    complete(&athm, 1).await;
    athm.idle().await;
    assert_eq!(attempts(&athm).await, []);
    athm.deliveries().replay(only(&athm).await).force().run().await.unwrap();
    athm.idle().await;
    assert_eq!(attempts(&athm).await, []);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_history_is_pruned_with_its_delivery() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["ship"], |_, _| Err::<(), _>(athm_core::Permanent::new("gone"))).await;
    complete(&athm, 1).await;
    athm.idle().await;
    let id = only(&athm).await;
    assert_eq!(attempts(&athm).await.len(), 1);
    athm_tests::eventually(async || {
        clock.advance(super::DAY);
        athm.deliveries().get(id).await.unwrap().is_none()
    })
    .await;
    assert_eq!(athm.deliveries().attempts(id).await.unwrap(), []);
    athm.shutdown(Duration::ZERO).await;
}
