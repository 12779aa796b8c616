//! Writes that share a commit.

use super::*;

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_bad_record_fails_alone() {
    let fixture = StoreFixture::new(8).await;
    let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
    fixture.store.record(record("12-ab", Some(ours))).await.unwrap();
    let mut wrong = record("3-c", None);
    // The server refuses the statement.
    wrong.observed.total = Amount::from_cents(7);
    fixture.query("ALTER TABLE athm_transaction ADD CHECK (total <> 7)").await;
    let batch = [record("1-a", None), record("12-ab", Some(theirs)), wrong, record("2-b", None)];
    let results = join_all(batch.map(|record| fixture.store.record(record))).await;
    assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
    // Another payment has its reference number: it is recorded without it.
    let second = results[1].as_ref().unwrap().transaction();
    assert_eq!((second.reference_number(), second.ecommerce_id()), (None, Some(&theirs.into())));
    assert!(second.problem().unwrap().contains("12-ab"), "{:?}", second.problem());
    let Err(error @ StoreError::Database(_)) = &results[2] else { panic!("{:?}", results[2]) };
    assert!(!format!("{error:?}").contains("3-c"), "a row's content is shown: {error:?}");
    assert_eq!((fixture.count("athm_transaction").await, fixture.count("athm_event").await), (4, 4));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn writes_beyond_the_queues_limit_are_refused_and_acknowledgements_never_are() {
    let fixture = StoreFixture::new(8).await;
    let results: Vec<_> = (0..1200).map(|n| fixture.store.record(record(&format!("reference-{n}"), None))).collect();
    let acknowledgement = Acknowledgement {
        id: DeliveryId::new(),
        attempt: Attempt::first(ClaimId::new()),
        at: fixture.clock.steady(),
        outcome: AttemptOutcome::Succeeded,
        run: None,
    };
    fixture.store.acknowledge(acknowledgement).await.unwrap();
    let results = join_all(results).await;
    let busy = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    let recorded = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((busy, recorded), (1200 - 1024, 1024));
    assert_eq!(fixture.count("athm_transaction").await, 1024);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn promise_2_observations_of_one_payment_by_each_of_its_names_in_one_batch_fire_once() {
    let fixture = StoreFixture::new(64).await;
    let opened = (0..16).map(|n| {
        let mut open = record(&format!("r-{n}"), Some(Uuid::from_u128(n)));
        open.observed.status = Status::Open;
        fixture.store.record(open)
    });
    assert!(join_all(opened).await.iter().all(|opened| opened.as_ref().is_ok_and(|opened| opened.events.is_empty())));
    let observations = (0..16).flat_map(|n| {
        let mut by_ecommerce_id = record("none", Some(Uuid::from_u128(n)));
        by_ecommerce_id.observed.reference_number = None;
        let new = record(&format!("new-{n}"), None);
        [by_ecommerce_id, record(&format!("r-{n}"), None), new].map(|record| fixture.store.record(record))
    });
    let fired: usize = join_all(observations).await.into_iter().map(|recorded| recorded.unwrap().events.len()).sum();
    assert_eq!((fired, fixture.count("athm_event").await, fixture.count("athm_transaction").await), (32, 32, 32));
    assert_eq!((fixture.count("athm_item").await, fixture.count("athm_delivery").await), (32, 32));
}
