//! Deliveries are listed, counted, dismissed, and replayed by query.

use std::sync::Mutex;
use std::time::Duration;

use athm_core::deliveries::{DeliveryQuery, DeliveryState};
use athm_core::errors::DismissError;
use athm_core::jiff::Timestamp;
use athm_core::testing::Clock;
use athm_core::{Athm, Delivery, Permanent, Signal, Status};
use athm_tests::{TestDatabase as _, TextRecorder, payment};
use uuid::Uuid;

use super::{DAY, KIOSK, complete, dead, program, start};
use crate::Database;

/// `ship` succeeds, `bill` fails for good.
fn bill_fails(id: &'static str, _: Delivery) -> Result<(), Permanent> {
    if id == "bill" { Err(Permanent::new("no such order")) } else { Ok(()) }
}

async fn listed(athm: &Athm, query: DeliveryQuery) -> Vec<(String, DeliveryState)> {
    let page = athm.deliveries().list(query).await.unwrap();
    page.deliveries().iter().map(|delivery| (delivery.receiver.clone(), delivery.state)).collect()
}

#[tokio::test]
async fn deliveries_are_listed_by_state_receiver_signal_payment_and_time() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["ship", "bill"], bill_fails).await;
    let first = athm.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    athm.idle().await;
    let between = Timestamp::now();
    complete(&athm, 2).await;
    athm.idle().await;

    let query = DeliveryQuery::new;
    assert_eq!(listed(&athm, query()).await.len(), 4);
    assert_eq!(listed(&athm, query().state(DeliveryState::Dead)).await.len(), 2);
    assert_eq!(listed(&athm, query().state(DeliveryState::Dismissed)).await, []);
    assert_eq!(listed(&athm, query().state(DeliveryState::Running)).await, []);
    assert_eq!(listed(&athm, query().receiver("ship")).await, vec![("ship".into(), DeliveryState::Succeeded); 2]);
    assert_eq!(listed(&athm, query().receiver("ship").state(DeliveryState::Dead)).await, []);
    assert_eq!(listed(&athm, query().signal(Signal::Cancelled)).await, []);
    assert_eq!(listed(&athm, query().signal(Signal::Completed)).await.len(), 4);
    let of_first = query().transaction(first.transaction().id()).state(DeliveryState::Dead);
    assert_eq!(listed(&athm, of_first).await, [("bill".into(), DeliveryState::Dead)]);
    assert_eq!(listed(&athm, query().until(between)).await.len(), 2);
    assert_eq!(listed(&athm, query().since(between)).await.len(), 2);
    let counts: Vec<_> = athm.deliveries().counts(query()).await.unwrap().into_iter().collect();
    assert_eq!(counts, [(DeliveryState::Succeeded, 2), (DeliveryState::Dead, 2)]);
    let dead_bills = athm.deliveries().counts(query().receiver("bill")).await.unwrap();
    assert_eq!(dead_bills.into_iter().collect::<Vec<_>>(), [(DeliveryState::Dead, 2)]);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn lists_come_a_page_at_a_time_newest_first() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["ship"], |_, _| ()).await;
    for n in 0..7 {
        complete(&athm, n).await;
    }
    athm.idle().await;
    let (ids, pages) = all_pages(&athm).await;
    assert_eq!((ids.len(), pages), (7, 3));
    assert!(ids.is_sorted_by(|a, b| a > b), "{ids:?}");
    athm.shutdown(Duration::ZERO).await;
}

/// The deliveries of all pages of three, and how many pages there are.
async fn all_pages(athm: &Athm) -> (Vec<Uuid>, usize) {
    let (mut query, mut ids, mut pages) = (DeliveryQuery::new().limit(3), Vec::new(), 0);
    loop {
        let page = athm.deliveries().list(query.clone()).await.unwrap();
        ids.extend(page.deliveries().iter().map(|delivery| *delivery.id.as_uuid()));
        pages += 1;
        let Some(next) = page.next() else { return (ids, pages) };
        query = query.after(next);
    }
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_ends_no_list() {
    let (database, clock) = (Database::new(), Clock::manual());
    let athm = program(&database, &clock, &["ship"], |_, _| ()).await;
    for n in 0..7 {
        complete(&athm, n).await;
    }
    athm.idle().await;
    let (ids, _) = all_pages(&athm).await;
    let second = "SELECT id FROM athm_delivery ORDER BY id DESC LIMIT 1 OFFSET 1";
    database.execute(&format!("UPDATE athm_delivery SET attempts = -1 WHERE id = ({second})"));
    let (readable, _) = all_pages(&athm).await;
    assert_eq!(readable, [&ids[..1], &ids[2..]].concat());
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_dismissed_delivery_is_no_problem_any_more_and_is_kept_with_its_reason() {
    let (database, clock, notes) = (Database::new(), Clock::manual(), TextRecorder::new());
    let recorder = notes.clone();
    let bill = move |_, delivery: Delivery| {
        recorder.note(delivery.attempt());
        Err::<(), _>(Permanent::new("no such order"))
    };
    let athm = start(&database, &clock, &["bill"], bill, |builder| builder.keep_ended_for(30 * DAY)).await;
    complete(&athm, 1).await;
    athm.idle().await;
    let id = dead(&athm).await.remove(0).id;
    let dismissed = athm.deliveries().dismiss(id, "billed by hand").await.unwrap();
    assert_eq!((dismissed.state, dismissed.dismissal.as_deref()), (DeliveryState::Dismissed, Some("billed by hand")));
    assert!(dismissed.error.unwrap().contains("no such order"));
    assert_eq!((dead(&athm).await, athm.problems().counts().await.unwrap().len()), (Vec::new(), 0));
    assert_eq!(listed(&athm, DeliveryQuery::new().state(DeliveryState::Dismissed)).await.len(), 1);
    assert_eq!(notes.noted().len(), 1);

    // It runs again only if that is asked for.
    athm.deliveries().replay(id).run().await.unwrap();
    athm.idle().await;
    assert_eq!((notes.noted().len(), dead(&athm).await.remove(0).dismissal), (2, None));

    athm.deliveries().dismiss(id, "seen").await.unwrap();
    athm_tests::eventually(async || {
        clock.advance(DAY);
        athm.deliveries().get(id).await.unwrap().is_none()
    })
    .await;
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_delivery_that_has_succeeded_cannot_be_dismissed_and_a_due_one_can() {
    let (database, clock) = (Database::new(), Clock::manual());
    let behave = |id, _: Delivery| if id == "later" { Err("not yet") } else { Ok(()) };
    let athm = program(&database, &clock, &["ship", "later"], behave).await;
    complete(&athm, 1).await;
    athm.idle().await;
    let page = athm.deliveries().list(DeliveryQuery::new()).await.unwrap();
    let of = |receiver| page.deliveries().iter().find(|delivery| delivery.receiver == receiver).unwrap().id;
    let refused = athm.deliveries().dismiss(of("ship"), "why").await.unwrap_err();
    let DismissError::NotDismissible { state, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(state, DeliveryState::Succeeded);
    athm.deliveries().dismiss(of("later"), "its receiver is gone").await.unwrap();
    clock.advance(30 * DAY);
    athm.idle().await;
    assert_eq!(athm.deliveries().get(of("later")).await.unwrap().unwrap().state, DeliveryState::Dismissed);
    let unknown = athm.deliveries().dismiss(athm_core::ids::DeliveryId::from(Uuid::nil()), "why").await;
    assert!(matches!(unknown, Err(DismissError::NotFound)), "{unknown:?}");
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn many_deliveries_are_replayed_by_query_after_a_dry_run() {
    let (database, clock, notes) = (Database::new(), Clock::manual(), TextRecorder::new());
    let recorder = notes.clone();
    let mended = std::sync::Arc::new(Mutex::new(false));
    let is_mended = std::sync::Arc::clone(&mended);
    let behave = move |id: &'static str, _: Delivery| {
        recorder.note(id);
        if *is_mended.lock().unwrap() { Ok(()) } else { Err(Permanent::new("the mail server is gone")) }
    };
    let athm = program(&database, &clock, &["mail", "bill"], behave).await;
    for n in 0..40 {
        complete(&athm, n).await;
    }
    athm.idle().await;
    assert_eq!((dead(&athm).await.len(), notes.noted().len()), (80, 80));
    *mended.lock().unwrap() = true;

    let mails = DeliveryQuery::new().receiver("mail");
    let planned = athm.deliveries().replay_all(mails.clone()).dry_run().await.unwrap();
    athm.idle().await;
    assert_eq!((planned.replayed, planned.refused.len(), notes.noted().len()), (40, 0, 80));
    let progress = Mutex::new(Vec::new());
    let replay = athm.deliveries().replay_all(mails).on_progress(|at| progress.lock().unwrap().push(at.to_string()));
    assert_eq!(replay.run().await.unwrap().replayed, 40);
    athm.idle().await;
    assert_eq!(notes.noted()[80..], vec!["mail"; 40]);
    let progress = progress.into_inner().unwrap();
    assert_eq!((progress.len(), progress[39].as_str()), (40, "40 of 40"));

    // What has succeeded isn't run again unless that is forced.
    let succeeded = DeliveryQuery::new().receiver("mail").state(DeliveryState::Succeeded);
    let refused = athm.deliveries().replay_all(succeeded.clone()).run().await.unwrap();
    assert_eq!((refused.replayed, refused.refused.len()), (0, 40));
    assert_eq!(athm.deliveries().replay_all(succeeded).force().dry_run().await.unwrap().replayed, 40);
    athm.shutdown(Duration::ZERO).await;
}
