//! Times of processes whose clocks differ.

use super::*;

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn leases_are_stored_in_the_servers_time() {
    let fixture = StoreFixture::on(StoreFixture::schema().await, Clock::system(), 0, Batching::OneByOne).await;
    fixture.record(1).await.unwrap();
    assert_eq!(fixture.claim().await.len(), 1);
    let left = fixture.query("SELECT extract(epoch FROM due_at - clock_timestamp())::integer FROM athm_delivery").await;
    let left: u64 = left[0].parse().unwrap();
    assert!((25..=30).contains(&left), "the lease ends in {left} s");
    assert!(fixture.claim().await.is_empty());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_7_processes_whose_clocks_disagree_agree_on_deadlines() {
    let hours = |hours| Clock::wrong(jiff::SignedDuration::from_hours(hours));
    let right = StoreFixture::on(StoreFixture::schema().await, Clock::system(), 0, Batching::Grouped).await;
    let (slow, fast) = (right.beside(hours(-2)).await, right.beside(hours(3)).await);
    let left = async |until: &str, from: &str| {
        let sql = format!("SELECT extract(epoch FROM {until} - clock_timestamp())::integer FROM {from}");
        right.query(&sql).await[0].parse::<i64>().unwrap()
    };

    for fixture in [&slow, &fast, &right] {
        let apart = left(&format!("timestamptz '{}'", fixture.clock.now()), "athm_migration LIMIT 1").await;
        assert!((-1..=0).contains(&apart), "{apart} s");
    }
    let mut open = record("reference-0", None);
    (open.observed.status, open.observed.created_at) = (Status::Open, fast.clock.now());
    open.auth_token = Some("secret".into());
    fast.store.record(open).await.unwrap();

    // A delivery is due for each of them, and leased for each of them once it is claimed.
    fast.record(1).await.unwrap();
    let claimed = slow.claim().await;
    assert_eq!(claimed.len(), 1);
    for fixture in [&slow, &fast, &right] {
        assert!(fixture.claim().await.is_empty());
    }
    assert!((20..=30).contains(&left("due_at", "athm_delivery").await));
    for fixture in [&fast, &slow] {
        let held = claimed.iter().map(|(id, attempt)| (*id, attempt.claim)).collect();
        fixture.store.renew_leases(held, later(fixture.clock.steady(), 10 * LEASE)).await.unwrap();
        assert!((290..=300).contains(&left("due_at", "athm_delivery").await));
    }
    let retry_at = Some(later(slow.clock.steady(), 20 * LEASE));
    slow.acknowledge(claimed[0], AttemptOutcome::Failed { error: String::from("not yet"), retry_at }).await;
    assert!((590..=600).contains(&left("due_at", "athm_delivery").await));
    for fixture in [&slow, &fast, &right] {
        assert!(fixture.claim().await.is_empty());
        assert!(!fixture.store.has_due_deliveries(fixture.clock.steady(), vec![String::from(RUNNABLE)]).await.unwrap());
    }

    // A pending message is due at the same moment for each of them.
    let due_at = later(fast.clock.steady(), 4 * LEASE);
    fast.store.insert_message(message(1, InboxState::Pending { attempts: 1, due_at })).await.unwrap();
    assert!((110..=120).contains(&left("due_at", "athm_inbox").await));
    for fixture in [&slow, &fast, &right] {
        let now = fixture.clock.steady();
        let next = fixture.store.next_pending_message().await.unwrap().unwrap().duration_since(now);
        assert!((110..=120).contains(&next.as_secs()), "{next}");
        assert!(fixture.store.claim_pending_messages(now, later(now, LEASE)).await.unwrap().is_empty());
    }

    // Rows are pruned at the same moment by each of them.
    slow.acknowledge(claimed[0], AttemptOutcome::Succeeded).await;
    for (fixture, keeps) in [(&fast, true), (&slow, true), (&right, true), (&slow, false)] {
        let (now, steady) = (fixture.clock.now(), fixture.clock.steady());
        let by = if keeps { earlier } else { later };
        let (tokens, deliveries) = (by(now, LEASE), by(steady, LEASE));
        fixture
            .store
            .prune(RetentionCutoffs {
                tokens,
                deliveries,
                recorded_messages: now,
                refused_messages: now,
                unmatched: now,
                pushes: now,
            })
            .await
            .unwrap();
        assert_eq!(fixture.count("athm_delivery").await, u32::from(keeps));
        assert_eq!(fixture.count("athm_transaction WHERE auth_token IS NOT NULL").await, u32::from(keeps));
    }
}
