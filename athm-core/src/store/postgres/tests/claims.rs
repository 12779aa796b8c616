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
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_a_late_success_counts_and_a_late_failure_is_dropped() {
    let fixture = StoreFixture::new(0).await;
    fixture.record(1).await.unwrap();
    let first = fixture.claim().await[0];
    assert!(fixture.claim().await.is_empty());
    fixture.clock.advance(LEASE + Duration::from_secs(1));
    let second = fixture.claim().await[0];
    assert_eq!((first.0, first.1.number, second.1.number), (second.0, 1, 1));

    assert_eq!(fixture.acknowledge(first, failed()).await.state, DeliveryState::Running);
    assert_eq!(fixture.acknowledge(first, AttemptOutcome::Unstarted).await.state, DeliveryState::Running);
    assert_eq!(fixture.acknowledge(first, AttemptOutcome::Succeeded).await.state, DeliveryState::Succeeded);
    assert_eq!(fixture.acknowledge(second, failed()).await.state, DeliveryState::Succeeded);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_a_delivery_whose_lease_is_renewed_is_not_claimed_again() {
    let fixture = StoreFixture::new(0).await;
    fixture.record(1).await.unwrap();
    let claimed = fixture.claim().await;
    for _ in 0..10 {
        fixture.clock.advance(LEASE / 2);
        let held = claimed.iter().map(|(id, attempt)| (*id, attempt.claim)).collect();
        fixture.store.renew_leases(held, later(fixture.clock.steady(), LEASE)).await.unwrap();
        assert!(fixture.claim().await.is_empty());
    }
    fixture.clock.advance(LEASE + Duration::from_secs(1));
    assert_eq!(fixture.claim().await[0].0, claimed[0].0);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_6_recorded_deliveries_are_claimed_while_permits_are_free_and_due_beyond() {
    let mut fixture = StoreFixture::new(2).await;
    for n in 0..5 {
        fixture.record(n).await.unwrap();
    }
    assert_eq!(fixture.count("athm_delivery WHERE state = 'running' AND claim IS NOT NULL").await, 2);
    assert_eq!(fixture.count("athm_delivery WHERE state = 'due' AND claim IS NULL").await, 3);
    assert_eq!(fixture.outbox.running.all().len(), 2);
    assert_eq!(fixture.unstarted.recv().await.unwrap().deliveries.len(), 1);
    assert!(fixture.unstarted.recv().await.is_some() && fixture.unstarted.try_recv().is_err());
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_delivery_that_runs_here_is_not_claimed_even_if_its_lease_has_ended() {
    let fixture = StoreFixture::new(8).await;
    fixture.record(1).await.unwrap();
    fixture.clock.advance(LEASE * 2);
    let here = claim(&fixture.clock);
    assert_eq!(fixture.store.claim_deliveries(here).await.unwrap(), 0);
    // Another process may claim it: this one hasn't renewed its lease.
    assert_eq!(fixture.claim().await.len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn what_another_process_is_claiming_is_passed_over_for_what_is_due_later() {
    let fixture = StoreFixture::new(0).await;
    for n in 0..16 {
        fixture.record(n).await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    let other = session(&fixture.url).await;
    other.begin().await.unwrap();
    other.run("SELECT 1 FROM athm_delivery ORDER BY due_at LIMIT 8 FOR UPDATE").await.unwrap();
    let later_ones = fixture.claim().await;
    other.run("ROLLBACK").await.unwrap();
    let locked_ones = fixture.claim().await;
    assert_eq!((later_ones.len(), locked_ones.len(), fixture.claim().await.len()), (8, 8, 0));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn deliveries_that_two_processes_left_behind_are_claimed_one_at_a_time() {
    let fixture = StoreFixture::new(0).await;
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
#[ignore = "needs a server: tests/with-postgres"]
async fn a_suspect_that_ends_its_process_pays_with_its_own_attempt_alone() {
    let fixture = StoreFixture::new(0).await;
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
#[ignore = "needs a server: tests/with-postgres"]
async fn a_suspect_that_did_not_start_pays_nothing() {
    let fixture = StoreFixture::new(0).await;
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
#[ignore = "needs a server: tests/with-postgres"]
async fn a_late_outcome_reaches_no_later_claim_even_if_it_has_the_same_number() {
    let fixture = StoreFixture::new(0).await;
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_claim_during_a_merge_reads_the_payment_with_its_items_as_it_is_afterwards() {
    let mut fixture = StoreFixture::new(0).await;
    fixture.record(1).await.unwrap();
    // Another process merges the payment into a second row. It has locked the items, so that who reads them waits.
    let merged = Uuid::now_v7();
    let merging = session(&fixture.url).await;
    merging.begin().await.unwrap();
    merging.run("LOCK TABLE athm_item IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'athm_item'::regclass";
    let merge = format!(
        "CREATE TEMPORARY TABLE merged AS SELECT id AS was FROM athm_transaction;
         INSERT INTO athm_transaction SELECT (jsonb_populate_record(t, jsonb_build_object('id', '{merged}', \
         'reference_number', NULL))).* FROM athm_transaction t;
         UPDATE athm_event SET transaction_id = '{merged}'; UPDATE athm_item SET transaction_id = '{merged}';
         DELETE FROM athm_poll; DELETE FROM athm_transaction WHERE id = (SELECT was FROM merged); COMMIT"
    );
    let merge = async {
        fixture.until(waits, "1").await;
        merging.run(&merge).await.unwrap();
    };
    let (claimed, ()) = futures_util::future::join(fixture.store.claim_deliveries(claim(&fixture.clock)), merge).await;
    assert_eq!(claimed.unwrap(), 1);
    let claimed = fixture.unstarted.recv().await.unwrap();
    assert_eq!((*claimed.transaction.id.as_uuid(), claimed.transaction.items.len()), (merged, 1));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_backlog_of_one_receiver_among_many_is_claimed_in_full() {
    let fixture = StoreFixture::new(0).await;
    for n in 0..101 {
        fixture.record(n).await.unwrap();
    }
    let claim = claim_of_many_receivers(&fixture.clock);
    assert_eq!(fixture.store.claim_deliveries(claim).await.unwrap(), 100);
    let claim = claim_of_many_receivers(&fixture.clock);
    assert_eq!(fixture.store.claim_deliveries(claim).await.unwrap(), 1);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn deliveries_of_one_event_are_claimed_with_its_payment_and_those_of_a_damaged_one_are_not() {
    let mut fixture = StoreFixture::new(0).await;
    let (sound, damaged) = (fixture.record(1).await.unwrap(), fixture.record(2).await.unwrap());
    fixture
        .query(&format!(
            "INSERT INTO athm_delivery SELECT (jsonb_populate_record(d, \
             jsonb_build_object('id', gen_random_uuid(), 'receiver', 'other'))).* FROM athm_delivery d;
             DELETE FROM athm_transaction WHERE id = '{}'",
            damaged.transaction.id
        ))
        .await;
    let runnable = ["completed:ship", "completed:other"].map(String::from).into();
    let claim = Claim { runnable, ..claim(&fixture.clock) };
    assert_eq!(fixture.store.claim_deliveries(claim).await.unwrap(), 2);
    let claimed = fixture.unstarted.recv().await.unwrap();
    assert_eq!((claimed.transaction.id, claimed.transaction.items.len()), (sound.transaction.id, 1));
    assert_eq!(claimed.deliveries.len(), 2);
    let listed: Vec<_> = fixture.store.damaged_rows().into_iter().map(|row| (row.table, row.id)).collect();
    assert_eq!(listed, [("athm_event", damaged.events[0].id.to_string())]);
    let postponed = "SELECT count(*) FROM athm_delivery WHERE state = 'due' AND due_at > now() + INTERVAL '59 minutes'";
    assert_eq!(fixture.query(postponed).await, ["2"]);
}

const DELIVERIES: &str = "SELECT state || ' ' || attempts FROM athm_delivery ORDER BY state";

/// How a proxy fails a connection.
#[derive(Clone, Copy)]
enum ConnectionFailure {
    /// It closes the connection.
    Closed,
    /// It keeps the connection open, and passes no answer on.
    Silent,
}

/// A process behind a proxy. Once the flag is set, the proxy passes the next message with that word on to the server, and
/// fails the connection before the answer.
async fn behind_proxy(word: &'static [u8], failure: ConnectionFailure) -> (StoreFixture, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(false));
    let url = proxy(&StoreFixture::schema().await, word, failure, Arc::clone(&fails)).await;
    (StoreFixture::on(url, Clock::system(), 8, Batching::Grouped).await, fails)
}

async fn proxy(server: &str, word: &'static [u8], failure: ConnectionFailure, fails: Arc<AtomicBool>) -> String {
    let config: tokio_postgres::Config = server.parse().unwrap();
    let tokio_postgres::config::Host::Tcp(host) = config.get_hosts()[0].clone() else { panic!("no host") };
    let (host, port) = (host, config.get_ports()[0]);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let here = listener.local_addr().unwrap().port();
    let there = host.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect((there.as_str(), port)).await.unwrap();
            let fails = Arc::clone(&fails);
            tokio::spawn(async move {
                let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
                let mut is_last = false;
                loop {
                    tokio::select! {
                        read = client.read(&mut asked) => {
                            let sent = &asked[..read.unwrap_or(0)];
                            is_last |= sent.windows(word.len()).any(|sent| sent == word) && fails.swap(false, SeqCst);
                            if sent.is_empty() || server.write_all(sent).await.is_err() {
                                return;
                            }
                        }
                        read = server.read(&mut answered) => {
                            let sent = &answered[..read.unwrap_or(0)];
                            if is_last && matches!(failure, ConnectionFailure::Silent) {
                                std::future::pending::<()>().await;
                            }
                            if is_last || sent.is_empty() || client.write_all(sent).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            });
        }
    });
    server.replace(&format!("{host}:{port}"), &format!("127.0.0.1:{here}"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn deliveries_claimed_by_a_commit_of_unknown_outcome_are_due_at_once() {
    let (fixture, fails) = behind_proxy(b"COMMIT\0", ConnectionFailure::Closed).await;
    let mut open = record("reference-1", None);
    open.observed.status = Status::Open;
    fixture.store.record(open).await.unwrap();
    fails.store(true, SeqCst);
    assert!(matches!(fixture.record(1).await, Err(StoreError::Database(_))));
    assert_eq!(fixture.record(1).await.unwrap().events.len(), 0, "it was committed");
    assert_eq!(fixture.query(DELIVERIES).await, ["due 0"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_new_payment_is_recorded_once_although_it_is_unknown_whether_it_was_inserted() {
    let (fixture, fails) = behind_proxy(b"reference-2", ConnectionFailure::Closed).await;
    fixture.record(1).await.unwrap();
    fails.store(true, SeqCst);
    fixture.record(2).await.unwrap();
    assert!(!fails.load(SeqCst));
    // What the lost insert has claimed is given back.
    fixture.until("SELECT count(*) FROM athm_delivery WHERE state = 'running'", "1").await;
    assert_eq!(fixture.query(DELIVERIES).await, ["due 0", "running 0"]);
    assert_eq!((fixture.count("athm_transaction").await, fixture.count("athm_event").await), (2, 2));
    assert_eq!(fixture.running().len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn an_insert_that_the_server_never_answers_is_an_error_in_time_and_what_it_claimed_is_due() {
    let (fixture, fails) = behind_proxy(b"reference-2", ConnectionFailure::Silent).await;
    fixture.record(1).await.unwrap();
    fails.store(true, SeqCst);
    tokio::time::pause();
    let error = fixture.record(2).await.expect_err("there is no answer");
    assert!(format!("{error:?}").contains("didn't answer in time"), "{error:?}");
    tokio::time::resume();
    assert_eq!(fixture.record(2).await.unwrap().events.len(), 0, "it was committed");
    fixture.until("SELECT count(*) FROM athm_delivery WHERE state = 'running'", "1").await;
    assert_eq!(fixture.query(DELIVERIES).await, ["due 0", "running 0"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_claim_of_unknown_outcome_is_released_and_costs_a_suspect_nothing() {
    let (fixture, fails) = behind_proxy(b"COMMIT\0", ConnectionFailure::Closed).await;
    fixture.outbox.stopping.store(true, SeqCst);
    fixture.record(1).await.unwrap();
    fixture.query("UPDATE athm_delivery SET interruptions = 2").await;
    fails.store(true, SeqCst);
    assert!(fixture.store.claim_deliveries(claim(&fixture.clock)).await.is_err());
    let state = "SELECT state || ' ' || attempts || ' ' || (claim IS NOT NULL) FROM athm_delivery";
    fixture.until(state, "due 0 true").await;
}
