//! Pending messages.

use super::*;

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_5_the_inbox_holds_10_000_pending_messages_and_always_those_of_known_payments() {
    let fixture = StoreFixture::new(0).await;
    let pending = || InboxState::Pending { attempts: 1, due_at: fixture.clock.steady() };
    let fill = "INSERT INTO athm_inbox (id, state, payment, sender, attempts, due_at, received_at, version) \
                SELECT gen_random_uuid(), 'pending', 'reference:' || n, 'callback', 1, now(), now(), 0 \
                FROM generate_series(1, 9990) AS n";
    fixture.query(fill).await;
    let kept = join_all((0..20).map(|n| fixture.store.insert_message(message(n, pending())))).await;
    assert_eq!(kept.iter().filter(|kept| kept.is_ok()).count(), 10);
    assert!(matches!(fixture.store.insert_message(message(10_000, pending())).await, Err(StoreError::InboxFull)));
    fixture.store.insert_message(message(7, pending())).await.unwrap();
    assert_eq!(fixture.count("athm_inbox").await, 10_000);

    let mut ours = record("12-ab", Some(Uuid::from_u128(10_001)));
    ours.observed.status = Status::Open;
    ours.observed.deadline = Some(fixture.clock.now());
    fixture.store.record(ours).await.unwrap();
    fixture.store.insert_message(message(10_001, pending())).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_5_a_message_that_arrives_during_a_lookup_is_not_deleted_after_it() {
    let fixture = StoreFixture::new(0).await;
    let pending = |status| InboxMessage {
        status,
        ..message(1, InboxState::Pending { attempts: 1, due_at: fixture.clock.steady() })
    };
    fixture.store.insert_message(pending(None)).await.unwrap();
    let now = fixture.clock.steady();
    let read = fixture.store.claim_pending_messages(now, later(now, LEASE)).await.unwrap().remove(0);
    assert!(fixture.store.claim_pending_messages(now, now).await.unwrap().is_empty(), "it is leased");
    fixture.store.insert_message(pending(Some(Status::Completed))).await.unwrap();
    let key = read.key.unwrap();
    fixture.store.delete_pending(key.clone(), read.version).await.unwrap();
    let kept = fixture.store.claim_pending_messages(now, now).await.unwrap().remove(0);
    assert_eq!(kept.status, Some(Status::Completed));
    fixture.store.delete_pending(key, kept.version).await.unwrap();
    assert!(fixture.store.claim_pending_messages(now, now).await.unwrap().is_empty());
}
