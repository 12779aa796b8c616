//! One payment is one row, by whichever of its names it was seen first.

use std::time::Duration;

use athm_core::ids::ReferenceNumber;
use athm_core::transactions::{Recorded, TransactionQuery, Transition};
use athm_core::{Amount, Athm, Item, MessageResult, NewPayment, Sender, Status, Transaction};
use athm_tests::{TextRecorder, completed_payment, payment, trusting_builder};
use futures_util::future::join_all;
use serde_json::json;

use crate::{Database, SimulatorFixture};

const KIOSK: Sender = Sender::from_static("kiosk");

fn reference(n: u32) -> ReferenceNumber {
    format!("51-reference-{n}").parse().unwrap()
}

/// A payment of which the reference alone is known.
fn by_reference(n: u32) -> athm_core::transactions::TransactionBuilder {
    let seen = Transaction::builder(Status::Completed, Amount::from_cents(2500)).metadata_1(format!("order-{n}"));
    seen.reference_number(reference(n))
}

fn by_both(n: u32) -> athm_core::transactions::TransactionBuilder {
    payment(n, Status::Completed).reference_number(reference(n))
}

async fn record(athm: &Athm, seen: Transaction) -> Recorded {
    athm.record(seen, KIOSK).await.unwrap()
}

async fn rows(athm: &Athm) -> Vec<Transaction> {
    athm.transactions(TransactionQuery::new().limit(1000)).await.unwrap().transactions().to_vec()
}

#[tokio::test]
async fn everything_in_the_other_row_moves_to_the_one_with_the_ecommerce_id() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    let open = record(&athm, payment(1, Status::Open).build()).await;
    let mug = Item::new("Mug", Amount::from_cents(1250)).quantity(2);
    let refunded = by_reference(1).item(mug.clone()).fee(Amount::from_cents(60));
    let paid = record(&athm, refunded.refunded_amount(Amount::from_cents(500)).build()).await;
    assert_ne!(open.transaction().id(), paid.transaction().id());
    athm.idle().await;
    let before = recorder.noted();
    assert_eq!(before.len(), 4);

    let merged = record(&athm, by_both(1).refunded_amount(Amount::from_cents(500)).build()).await;
    assert!(merged.events().is_empty());
    let [one] = &rows(&athm).await[..] else { panic!("two rows") };
    assert_eq!((one.id(), one.status()), (open.transaction().id(), &Status::Completed));
    assert_eq!((one.items(), one.refunded_amount()), (&[mug][..], Amount::from_cents(500)));
    assert_eq!(athm.transaction(paid.transaction().id()).await.unwrap(), None);

    // Its events have kept their names, and so have the deliveries made for them.
    let moved = athm.events(one.id()).await.unwrap();
    let ids = |events: &[athm_core::transactions::Event]| {
        events.iter().map(athm_core::transactions::Event::id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&moved), ids(paid.events()));
    assert!(moved.iter().all(|event| event.transaction_id() == one.id()));
    let replayed = athm.deliveries().replay_event(moved[0].id(), "recorder").force().run().await.unwrap();
    assert!(replayed.iter().all(|delivery| delivery.transaction_id == one.id()));
    athm.idle().await;
    assert_eq!(recorder.noted().len(), before.len() + replayed.len());
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn two_rows_that_have_both_fired_become_one_and_keep_both_events() {
    let database = Database::new();
    let athm = trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()).start().await.unwrap();
    let first = record(&athm, payment(1, Status::Completed).build()).await;
    let second = record(&athm, by_reference(1).build()).await;
    assert_eq!((first.events().len(), second.events().len()), (1, 1));
    let merged = record(&athm, by_both(1).build()).await;
    assert!(merged.events().is_empty());
    let events = athm.events(merged.transaction().id()).await.unwrap();
    assert_eq!(events.iter().map(|event| event.transition()).collect::<Vec<_>>(), [&Transition::Completed; 2]);
    assert_eq!(rows(&athm).await.len(), 1);
    // Nothing of what either has fired is fired again.
    for seen in [payment(1, Status::Completed), by_reference(1), by_both(1)] {
        assert!(record(&athm, seen.build()).await.events().is_empty());
    }
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_row_that_was_cancelled_is_completed_by_the_row_that_was_paid_and_fires_nothing_again() {
    let fixture = SimulatorFixture::open().await;
    let open = fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    fixture.simulator.decline(&id).unwrap();
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "CANCEL" })).await, MessageResult::Recorded);
    assert_eq!(fixture.noted().await, ["received by webhook", "cancelled by webhook"]);
    // The provider has changed its mind.
    fixture.simulator.insert(completed_payment().ecommerce_id(id).reference_number(reference(1)));
    assert_eq!(
        fixture.webhook(json!({ "referenceNumber": reference(1), "status": "completed" })).await,
        MessageResult::Recorded
    );
    assert_eq!(fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, MessageResult::Known);
    assert_eq!(fixture.noted().await[2..], ["received by webhook", "completed by webhook"]);
    let [one] = &rows(&fixture.athm).await[..] else { panic!("two rows") };
    assert_eq!((one.id(), one.status(), one.deadline()), (open.id(), &Status::Completed, open.deadline()));
    // The search returned the customer.
    assert_eq!(one.customer().unwrap().name.as_deref(), Some("Simulated Customer"));
}

#[tokio::test]
async fn an_app_payment_that_turns_out_to_be_a_checkout_fires_completed_once() {
    let database = Database::new();
    let athm = trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()).start().await.unwrap();
    record(&athm, payment(1, Status::Open).build()).await;
    let app = record(&athm, by_reference(1).kind(athm_core::TransactionKind::Payment).build()).await;
    assert_eq!(app.events()[0].transition(), &Transition::Paid);
    let merged = record(&athm, by_both(1).build()).await;
    assert_eq!(merged.events().iter().map(|event| event.transition()).collect::<Vec<_>>(), [&Transition::Completed]);
    assert!(record(&athm, by_both(1).build()).await.events().is_empty());
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn one_reference_number_never_merges_two_ecommerce_ids_and_loses_no_payment() {
    let database = Database::new();
    let athm = trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()).start().await.unwrap();
    let first = record(&athm, by_both(1).build()).await;
    assert_eq!(first.transaction().problem(), None);
    let open = record(&athm, payment(2, Status::Open).build()).await;
    // The second ticket is known, the third is not: both are paid, and have no reference number.
    for ticket in [2, 3] {
        let same = payment(ticket, Status::Completed).reference_number(reference(1)).build();
        let recorded = record(&athm, same.clone()).await;
        let events: Vec<_> = recorded.events().iter().map(athm_core::transactions::Event::transition).collect();
        assert_eq!(events, [&Transition::Completed], "{ticket}");
        let transaction = recorded.transaction();
        assert_eq!((transaction.status(), transaction.reference_number()), (&Status::Completed, None));
        let problem = transaction.problem().unwrap();
        assert_eq!(problem, "its reference number 51-reference-1 belongs to another payment");
        assert_eq!(athm.transaction(transaction.id()).await.unwrap().as_ref(), Some(transaction));
        assert!(record(&athm, same).await.events().is_empty());
    }
    assert_eq!(athm.transaction_by_reference(&reference(1)).await.unwrap().as_ref(), Some(first.transaction()));
    assert!(rows(&athm).await.iter().any(|row| row.id() == open.transaction().id()));
    assert_eq!(rows(&athm).await.len(), 3);
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_messages_by_ecommerce_id_and_by_reference_at_once_leave_one_row_and_fire_once() {
    let fixture = SimulatorFixture::open_with(|builder| builder.unknown_payment_rate_limit(1000, 1000)).await;
    let mut fired = 0;
    for round in 0..6 {
        // Every other time it is a payment that we opened.
        let id = match round % 2 {
            0 => *fixture
                .athm
                .create(NewPayment::new(Amount::from_cents(2500), "order-7"))
                .await
                .unwrap()
                .ecommerce_id()
                .unwrap(),
            _ => fixture.simulator.insert(completed_payment()),
        };
        fixture.simulator.insert(completed_payment().ecommerce_id(id).reference_number(reference(round)));
        let messages = (0..64).map(|turn| {
            let by_ticket = json!({ "ecommerceId": id, "status": "COMPLETED" });
            let by_reference = json!({ "referenceNumber": reference(round), "status": "completed" });
            fixture.webhook(if turn % 2 == 0 { by_ticket } else { by_reference })
        });
        let receipts = join_all(messages).await;
        assert!(
            receipts.iter().all(|receipt| matches!(receipt, MessageResult::Recorded | MessageResult::Known)),
            "{receipts:?}"
        );
        assert_eq!(receipts.iter().filter(|receipt| **receipt == MessageResult::Recorded).count(), 1, "round {round}");
        fired += 2;
        assert_eq!(fixture.noted().await.len(), fired, "round {round}");
        assert_eq!(rows(&fixture.athm).await.len(), usize::try_from(round).unwrap() + 1, "round {round}");
        let by_ticket = fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
        let by_reference = fixture.athm.transaction_by_reference(&reference(round)).await.unwrap().unwrap();
        assert_eq!(by_ticket, by_reference);
        assert_eq!(fixture.athm.events(by_ticket.id()).await.unwrap().len(), 1);
    }
}
