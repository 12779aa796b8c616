//! Claims: their identity, and what deliveries cost that processes left behind.

use super::*;
use crate::store::{ReplayTarget, RunMode};

/// Has every process that holds a delivery end, and its leases with it.
fn die(fixture: &StoreFixture) {
    fixture.clock.advance(LEASE + Duration::from_secs(1));
}

fn kinds(claimed: &[(DeliveryId, Attempt)]) -> Vec<(u32, ClaimKind)> {
    claimed.iter().map(|(_, attempt)| (attempt.number, attempt.kind)).collect()
}

#[tokio::test]
async fn a_backlog_of_one_receiver_among_many_is_claimed_in_full() {
    let fixture = StoreFixture::with_slots(0);
    for n in 0..101 {
        fixture.record(n).await.unwrap();
    }
    let claim = claim_of_many_receivers(&fixture.clock);
    assert_eq!(fixture.store.claim_deliveries(claim).await.unwrap(), 100);
    let claim = claim_of_many_receivers(&fixture.clock);
    assert_eq!(fixture.store.claim_deliveries(claim).await.unwrap(), 1);
}

#[tokio::test]
async fn deliveries_that_two_processes_left_behind_are_claimed_one_at_a_time() {
    let fixture = StoreFixture::with_slots(0);
    for n in 0..3 {
        fixture.record(n).await.unwrap();
    }
    assert_eq!(kinds(&fixture.claim().await), [(1, ClaimKind::Ordinary); 3]);
    die(&fixture);
    assert_eq!(kinds(&fixture.claim().await), [(1, ClaimKind::Ordinary); 3]);
    die(&fixture);
    fixture.record(3).await.unwrap();
    let claimed = fixture.claim().await;
    assert_eq!(kinds(&claimed), [(1, ClaimKind::Suspect), (1, ClaimKind::Ordinary)]);
    // An innocent one is ordinary again when its receiver has returned.
    let record = fixture.acknowledge(claimed[0], AttemptOutcome::Succeeded).await;
    assert_eq!((record.state, record.attempts, record.interruptions), (DeliveryState::Succeeded, 1, 0));
    let suspect = fixture.claim().await[0];
    let retry_at = Some(fixture.clock.steady());
    let record = fixture.acknowledge(suspect, AttemptOutcome::Failed { error: String::new(), retry_at }).await;
    assert_eq!((record.state, record.attempts, record.interruptions), (DeliveryState::Due, 1, 0));
    // The third is still a suspect, and runs beside it.
    let claimed = fixture.claim().await;
    assert_eq!(kinds(&claimed), [(1, ClaimKind::Suspect), (2, ClaimKind::Ordinary)]);
}

#[tokio::test]
async fn a_suspect_that_ends_its_process_pays_with_its_own_attempt_alone() {
    let fixture = StoreFixture::with_slots(0);
    fixture.record(0).await.unwrap();
    for _ in 0..2 {
        fixture.claim().await;
        die(&fixture);
    }
    let suspect = fixture.claim().await[0];
    fixture.record(1).await.unwrap();
    let ordinary = fixture.claim().await[0];
    assert_eq!((suspect.1.kind, ordinary.1.kind), (ClaimKind::Suspect, ClaimKind::Ordinary));
    die(&fixture);
    let found = fixture.claim().await;
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [suspect.0, ordinary.0]);
    assert_eq!(kinds(&found), [(1, ClaimKind::Interrupted), (1, ClaimKind::Ordinary)]);
    let retry_at = Some(later(fixture.clock.steady(), LEASE));
    let interrupted = AttemptOutcome::Interrupted { error: String::from("it ended"), retry_at };
    let record = fixture.acknowledge(found[0], interrupted).await;
    assert_eq!((record.state, record.attempts, record.error.as_deref()), (DeliveryState::Due, 1, Some("it ended")));
    // It waits as after any failure, and is a suspect still.
    assert_eq!(fixture.claim().await, []);
    die(&fixture);
    let again = fixture.claim().await;
    assert_eq!(kinds(&again), [(2, ClaimKind::Suspect), (1, ClaimKind::Suspect)][..1]);
    let spent = fixture.acknowledge(again[0], AttemptOutcome::Exhausted { error: String::from("no more") }).await;
    assert_eq!((spent.state, spent.attempts), (DeliveryState::Dead, 1));
}

#[tokio::test]
async fn a_suspect_that_did_not_start_pays_nothing() {
    let fixture = StoreFixture::with_slots(0);
    fixture.record(0).await.unwrap();
    for _ in 0..2 {
        fixture.claim().await;
        die(&fixture);
    }
    let suspect = fixture.claim().await[0];
    let record = fixture.acknowledge(suspect, AttemptOutcome::Unstarted).await;
    assert_eq!((record.state, record.attempts), (DeliveryState::Due, 0));
    assert_eq!(kinds(&fixture.claim().await), [(1, ClaimKind::Suspect)]);
}

#[tokio::test]
async fn a_late_outcome_reaches_no_later_claim_even_if_it_has_the_same_number() {
    let fixture = StoreFixture::with_slots(0);
    fixture.record(1).await.unwrap();
    let hung = fixture.claim().await[0];
    die(&fixture);
    // The next claim is given back, another one fails for good, and a replay counts anew.
    let unstarted = fixture.claim().await[0];
    fixture.acknowledge(unstarted, AttemptOutcome::Unstarted).await;
    let dead = fixture.claim().await[0];
    assert_eq!(fixture.acknowledge(dead, failed()).await.state, DeliveryState::Dead);
    let request = ReplayRequest {
        target: ReplayTarget::Delivery(hung.0),
        to: None,
        is_forced: false,
        mode: RunMode::Real,
        awaiting: Vec::new(),
        now: fixture.clock.steady(),
    };
    fixture.store.replay(request).await.unwrap().unwrap();
    let live = fixture.claim().await[0];
    assert_eq!([hung, unstarted, dead, live].map(|(_, attempt)| attempt.number), [1; 4]);
    for late in [hung, unstarted, dead] {
        for outcome in [failed(), AttemptOutcome::Unstarted, AttemptOutcome::Abandoned] {
            assert_eq!(fixture.acknowledge(late, outcome).await.state, DeliveryState::Running);
        }
        let until = later(fixture.clock.steady(), 2 * LEASE);
        fixture.store.renew_leases(vec![(late.0, late.1.claim)], until).await.unwrap();
    }
    die(&fixture);
    assert_eq!(fixture.claim().await[0].0, live.0, "no late renewal has extended its lease");
}
