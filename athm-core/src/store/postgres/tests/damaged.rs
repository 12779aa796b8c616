//! Rows that can't be read: nothing else waits for them.

use super::*;
use crate::store::{ReplayTarget, RunMode};

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn rows_that_cannot_be_read_hold_up_no_other_and_are_listed() {
    let fixture = StoreFixture::new(0).await;
    for n in 0..12 {
        fixture.record(n).await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    let payment = |n: &str| format!("(SELECT id FROM athm_transaction WHERE reference_number = 'reference-{n}')");
    fixture
        .query(&format!(
            "UPDATE athm_item SET quantity = 'many' WHERE transaction_id = {};
             UPDATE athm_event SET transition = 'of a newer version' WHERE transaction_id = {};
             INSERT INTO athm_poll (transaction_id, attempts, due_at) SELECT id, 0, '-infinity' FROM athm_transaction;
             UPDATE athm_transaction SET reference_number = '' WHERE reference_number = 'reference-3';
             UPDATE athm_poll SET attempts = -9 WHERE transaction_id = {};
             DELETE FROM athm_event WHERE transaction_id = {}",
            payment("1"),
            payment("2"),
            payment("4"),
            payment("5")
        ))
        .await;
    // Eight are claimed at a time. The damaged ones, which are among the first eight, take no place of another.
    assert_eq!((fixture.claim().await.len(), fixture.claim().await.len()), (8, 0));
    let page = fixture.store.list_payments(TransactionQuery::new().limit(8)).await.unwrap();
    let rest = fixture.store.list_payments(TransactionQuery::new().limit(1).after(page.next().unwrap())).await.unwrap();
    let last = fixture.store.list_payments(TransactionQuery::new().limit(1).after(rest.next().unwrap())).await.unwrap();
    assert_eq!((page.transactions().len(), rest.transactions().len(), last.transactions().len()), (8, 1, 1));
    assert_eq!(last.next(), None);
    let now = fixture.clock.steady();
    assert_eq!(fixture.store.claim_due_polls(PollLane::Payment, now, later(now, LEASE), 16).await.unwrap().len(), 9);
    let listed: Vec<_> = fixture.store.damaged_rows().iter().map(|row| row.table).collect();
    assert!(listed.contains(&"athm_transaction") && listed.contains(&"athm_poll"), "{listed:?}");
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_delivery_is_replayed_although_another_one_of_its_event_cannot_be_read() {
    let fixture = StoreFixture::new(0).await;
    fixture.record(1).await.unwrap();
    let (id, _) = fixture.claim().await[0];
    fixture
        .query(
            "INSERT INTO athm_delivery SELECT (jsonb_populate_record(d, \
             '{\"id\": \"00000000-0000-0000-0000-000000000007\", \"receiver\": \"other\", \"attempts\": -1}')).* \
             FROM athm_delivery d; UPDATE athm_delivery SET state = 'dead'",
        )
        .await;
    let replay = |id| {
        let (target, mode) = (ReplayTarget::Delivery(id), RunMode::Real);
        fixture.store.replay(ReplayRequest {
            target,
            to: None,
            is_forced: false,
            mode,
            awaiting: Vec::new(),
            now: fixture.clock.steady(),
        })
    };
    assert_eq!(replay(id).await.unwrap().unwrap().len(), 1);
    assert!(replay(Uuid::from_u128(7).into()).await.is_err(), "it is what was asked for");
}
