//! What waits for a lock that another process has, and what waits for nothing.

use super::*;

/// A connection of a process that has locked a payment, and then does nothing more.
async fn stuck(url: &str) -> Arc<Session> {
    let session = session(url).await;
    session.begin().await.unwrap();
    session.run("UPDATE athm_transaction SET fee = 7 WHERE reference_number = 'reference-1'").await.unwrap();
    session
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_row_that_an_idle_session_has_locked_delays_only_what_concerns_it() {
    let fixture = StoreFixture::in_real_time().await;
    fixture.record(1).await.unwrap();
    let locked = fixture.running()[0];
    let holder = session(&fixture.url).await;
    holder.begin().await.unwrap();
    holder.run("SELECT * FROM athm_delivery FOR UPDATE").await.unwrap();
    let at = fixture.clock.steady();
    let (id, attempt) = locked;
    let mut acknowledged =
        fixture.store.acknowledge(Acknowledgement { id, attempt, at, outcome: AttemptOutcome::Succeeded, run: None });
    for n in 2..20 {
        fixture.record(n).await.unwrap();
    }
    assert!((&mut acknowledged).now_or_never().is_none(), "it waits for the lock");
    // The leases of the others are renewed meanwhile.
    let until = later(fixture.clock.steady(), 10 * LEASE);
    let all = fixture.running().into_iter().map(|(id, attempt)| (id, attempt.claim)).collect();
    fixture.store.renew_leases(all, until).await.unwrap();
    assert_eq!(fixture.count("athm_delivery WHERE due_at > clock_timestamp() + interval '2 minutes'").await, 7);
    holder.run("ROLLBACK").await.unwrap();
    acknowledged.await.unwrap();
    assert_eq!(fixture.count("athm_delivery WHERE state = 'succeeded'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn writes_about_a_locked_payment_keep_their_order_and_are_refused_after_a_while() {
    let fixture = StoreFixture::in_real_time().await;
    let id = Uuid::now_v7();
    fixture.store.record(record("reference-1", Some(id))).await.unwrap();
    let holder = stuck(&fixture.url).await;
    let refused = join_all((0..3).map(|_| fixture.record(1))).await;
    assert!(refused.iter().all(|refused| matches!(refused, Err(StoreError::Database(_)))), "{refused:?}");
    // By one name, by the other, and by both.
    let observations = [(Some(id), false), (None, true), (Some(id), true)].into_iter().zip(1..);
    let recorded = observations.map(|((id, has_reference), cents)| {
        let mut observation = record("reference-1", id);
        observation.observed.fee = Amount::from_cents(cents);
        if !has_reference {
            observation.observed.reference_number = None;
        }
        fixture.store.record(observation)
    });
    let holder_id =
        holder.one("SELECT pg_backend_pid()::bigint", values![], |row| row.integer()).await.unwrap().unwrap();
    let release = async {
        // They meet the lock together, and one by one.
        let waits =
            format!("SELECT count(*) > 0 FROM pg_stat_activity WHERE {holder_id} = ANY (pg_blocking_pids(pid))");
        for expected in ["t", "f", "t", "f", "t"] {
            fixture.until(&waits, expected).await;
        }
        holder.run("ROLLBACK").await.unwrap();
    };
    let (recorded, ()) = futures_util::future::join(join_all(recorded), release).await;
    assert!(recorded.iter().all(std::result::Result::is_ok), "{recorded:?}");
    assert_eq!(fixture.query("SELECT fee FROM athm_transaction").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_write_that_waits_for_a_lock_delays_no_other_write() {
    let url = with_settings(&StoreFixture::schema().await, "-clock_timeout%3D20");
    let fixture = StoreFixture::on(url, Clock::system(), 8, Batching::Grouped).await;
    fixture.record(1).await.unwrap();
    let holder = stuck(&fixture.url).await;
    let (locked, free) = futures_util::future::join(fixture.record(1), fixture.record(2)).await;
    assert!(matches!(locked, Err(StoreError::Database(_))), "{locked:?}");
    free.unwrap();
    holder.run("ROLLBACK").await.unwrap();
    fixture.record(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn while_a_table_is_locked_writes_are_refused_and_acknowledgements_are_retried() {
    let url = with_settings(&StoreFixture::schema().await, "-clock_timeout%3D20");
    let fixture = StoreFixture::on(url, Clock::system(), 8, Batching::Grouped).await;
    fixture.record(1).await.unwrap();
    let (claimed, ClaimedAttempt { attempt, .. }) = fixture.outbox.running.all()[0];
    let holder = session(&fixture.url).await;
    holder.begin().await.unwrap();
    holder.run("LOCK TABLE athm_delivery").await.unwrap();
    let acknowledgement = Acknowledgement {
        id: claimed,
        attempt,
        at: fixture.clock.steady(),
        outcome: AttemptOutcome::Succeeded,
        run: None,
    };
    let acknowledged = fixture.store.acknowledge(acknowledgement);
    assert!(join_all((2..6).map(|n| fixture.record(n))).await.iter().all(std::result::Result::is_err));
    holder.run("ROLLBACK").await.unwrap();
    acknowledged.await.unwrap();
    assert_eq!(fixture.query("SELECT state FROM athm_delivery").await, ["succeeded"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_process_that_vanishes_during_a_transaction_loses_its_locks() {
    let schema = StoreFixture::schema().await;
    let fixture = StoreFixture::on(schema.clone(), Clock::system(), 8, Batching::Grouped).await;
    fixture.record(1).await.unwrap();
    let holder = stuck(&with_settings(&schema, "-cidle_in_transaction_session_timeout%3D100")).await;
    fixture.record(1).await.unwrap();
    assert!(holder.run("COMMIT").await.is_err());
    for setting in ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"] {
        let sql = format!("DO $$ BEGIN ASSERT current_setting('{setting}') <> '0'; END $$");
        session(&schema).await.run(&sql).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_deadlock_with_another_process_is_tried_again() {
    let fixture = StoreFixture::new(8).await;
    let other = fixture.beside(fixture.clock.clone()).await;
    for n in 0..8 {
        fixture.store.record(record(&format!("r-{n}"), Some(Uuid::from_u128(n)))).await.unwrap();
    }
    for _ in 0..20 {
        let both = (0..8).flat_map(|n| {
            let mut one = record(&format!("r-{n}"), Some(Uuid::from_u128(n)));
            one.observed.fee = Amount::from_cents(fastrand::i64(1..1_000));
            let mut another = record(&format!("r-{}", 7 - n), None);
            another.observed.fee = Amount::from_cents(fastrand::i64(1..1_000));
            [fixture.store.record(one), other.store.record(another)]
        });
        assert!(join_all(both).await.iter().all(std::result::Result::is_ok));
    }
    assert_eq!((fixture.count("athm_transaction").await, fixture.count("athm_event").await), (8, 8));
}
