//! Rows that can't be read: nothing else waits for them.

use super::*;
use crate::store::damaged::DAMAGED_PAUSE;
use crate::store::{PollLane, ReplayTarget, RunMode};

impl StoreFixture {
    async fn edit(&self, sql: &'static str) {
        let edit = move |connection: &Connection| Ok(connection.execute_batch(sql)?);
        self.store.writer.write(edit, |()| ()).await.unwrap();
    }

    /// The tables of the rows that are listed as damaged.
    fn damaged(&self) -> Vec<&'static str> {
        self.store.damaged_rows().iter().map(|row| row.table).collect()
    }
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_is_skipped_and_listed_and_keeps_its_attempts() {
    let fixture = StoreFixture::with_slots(0);
    // More damaged rows than a claim has slots, and all of them longest due.
    for n in 0..20 {
        fixture.record(n).await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture
        .edit(
            "UPDATE athm_transaction SET reference_number = '' WHERE reference_number = 'reference-0';
             UPDATE athm_transaction SET updated_at = 9223372036854775807 WHERE reference_number IN ('reference-1', 'reference-2');
             UPDATE athm_event SET transition = 'of a newer version' WHERE transaction_id IN (SELECT id FROM              athm_transaction WHERE reference_number IN ('reference-3', 'reference-4', 'reference-5', 'reference-6'));
             UPDATE athm_delivery SET attempts = -1 WHERE event_id IN (SELECT e.id FROM athm_event e JOIN              athm_transaction t ON t.id = e.transaction_id WHERE t.reference_number IN ('reference-7', 'reference-8'));
             UPDATE athm_item SET quantity = 'many' WHERE transaction_id IN (SELECT id FROM athm_transaction WHERE              reference_number = 'reference-9');",
        )
        .await;
    assert_eq!(fixture.claim().await, []);
    let mut claimed = Vec::new();
    for _ in 0..3 {
        claimed.extend(fixture.claim().await);
    }
    assert_eq!(claimed.len(), 10);
    let damaged = fixture.damaged();
    assert_eq!(damaged.iter().filter(|table| **table == "athm_delivery").count(), 9, "{damaged:?}");
    assert!(damaged.contains(&"athm_transaction"), "{damaged:?}");

    fixture.edit("UPDATE athm_item SET quantity = '1'").await;
    assert_eq!(fixture.claim().await, []);
    fixture.clock.advance(DAMAGED_PAUSE);
    let mut repaired = 0;
    for _ in 0..4 {
        let is_new = |(id, _): &&(DeliveryId, Attempt)| claimed.iter().all(|(known, _)| known != id);
        repaired += fixture.claim().await.iter().filter(is_new).count();
    }
    assert_eq!(repaired, 1, "the repaired one runs");
}

#[tokio::test]
async fn every_page_is_full_of_the_payments_that_can_be_read() {
    let fixture = StoreFixture::with_slots(0);
    for n in 0..12 {
        fixture.record(n).await.unwrap();
    }
    fixture
        .edit("UPDATE athm_transaction SET updated_at = 9223372036854775807 WHERE reference_number NOT LIKE '%-1%'")
        .await;
    fixture
        .edit("UPDATE athm_item SET quantity = '' WHERE transaction_id IN (SELECT id FROM athm_transaction WHERE reference_number LIKE '%-11')")
        .await;
    let (mut listed, mut after) = (0, None);
    loop {
        let mut query = TransactionQuery::new().limit(1);
        if let Some(cursor) = after {
            query = query.after(cursor);
        }
        let page = fixture.store.list_payments(query).await.unwrap();
        listed += page.transactions().len();
        after = page.next();
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, 2);
    assert_eq!(fixture.damaged().len(), 10);
}

#[tokio::test]
async fn damaged_polls_messages_operations_and_refunds_hold_up_no_other() {
    let fixture = StoreFixture::with_slots(0);
    let now = fixture.clock.steady();
    let pending = || InboxState::Pending { attempts: 1, due_at: now };
    for n in 0..3 {
        fixture.record(n).await.unwrap();
        fixture.store.insert_message(message(n, pending())).await.unwrap();
    }
    fixture
        .edit(
            "INSERT INTO athm_poll (transaction_id, attempts, due_at) SELECT id, 0, 0 FROM athm_transaction;
             INSERT INTO athm_operation (id, transaction_id, operation, is_under_way, ends_at, attempts, due_at) \
             SELECT randomblob(16), id, 'refund', 0, 0, 0, 0 FROM athm_transaction;
             INSERT INTO athm_refund (id, transaction_id, amount, state, is_ours, created_at) \
             SELECT randomblob(16), id, 100, 'pending', 1, 0 FROM athm_transaction;
             UPDATE athm_poll SET attempts = -1 WHERE transaction_id = (SELECT min(id) FROM athm_transaction);
             UPDATE athm_inbox SET payment = '' WHERE id = (SELECT min(id) FROM athm_inbox);
             UPDATE athm_operation SET operation = 'odd' WHERE id = (SELECT min(id) FROM athm_operation);
             UPDATE athm_refund SET reference_number = '' WHERE id = (SELECT min(id) FROM athm_refund);",
        )
        .await;
    assert_eq!(fixture.store.claim_due_polls(PollLane::Payment, now, later(now, LEASE), 16).await.unwrap().len(), 2);
    assert_eq!(fixture.store.claim_pending_messages(now, later(now, LEASE)).await.unwrap().len(), 2);
    assert_eq!(fixture.store.claim_unresolved_operations(now).await.unwrap().len(), 2);
    let until = later(fixture.clock.now(), LEASE);
    assert_eq!(fixture.store.list_refunds(RefundQuery::Pending { until }).await.unwrap().len(), 2);
    assert_eq!(fixture.damaged(), ["athm_inbox", "athm_operation", "athm_poll", "athm_refund"]);
    let next = fixture.store.next_due_poll(PollLane::Payment).await.unwrap().unwrap();
    assert!(next > now, "a damaged poll isn't due all the time");
}

#[tokio::test]
async fn a_delivery_is_replayed_although_another_one_of_its_event_cannot_be_read() {
    let fixture = StoreFixture::with_slots(0);
    fixture.record(1).await.unwrap();
    let (id, _) = fixture.claim().await[0];
    fixture
        .edit(
            "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
             SELECT zeroblob(16), event_id, signal, 'other', state, -1, 0, due_at, created_at FROM athm_delivery;
             UPDATE athm_delivery SET state = 'dead';",
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
    assert!(replay(Uuid::nil().into()).await.is_err(), "it is what was asked for");
}

#[tokio::test]
async fn an_open_payment_is_matched_although_another_one_like_it_cannot_be_read() {
    let fixture = StoreFixture::with_slots(0);
    for n in 1..=2 {
        let mut open = record(&format!("reference-{n}"), Some(Uuid::from_u128(n)));
        (open.observed.status, open.observed.deadline) = (Status::Open, Some(fixture.clock.now()));
        fixture.store.record(open).await.unwrap();
    }
    fixture.edit("UPDATE athm_transaction SET ecommerce_id = x'07' WHERE reference_number = 'reference-1'").await;
    let criteria =
        MatchCriteria { total: Amount::from_cents(2500), metadata_1: String::new(), metadata_2: String::new() };
    let found = fixture.store.find_open_matching(criteria).await.unwrap();
    assert_eq!(found, [Uuid::from_u128(2).into()]);
    assert_eq!(fixture.damaged(), ["athm_transaction"]);
}
