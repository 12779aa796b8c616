//! Several processes on one database. Each has an `Athm` of its own, with connections and threads of its own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use athm_core::{
    Amount, Athm, Callback, Clock, Context, Delivery, Dispatcher, FromContext, NewPayment, NewRefund, Receipt,
    ReferenceNumber, Sender, Signal, Status,
};
use athm_tests::{Fault, Recorder, TillFault, eventually, paid, payment, trusting, verifying};
use futures_util::future::{join, join_all};
use serde_json::json;
use tokio::sync::Notify;

use crate::{Database, Till};

const KIOSK: Sender = Sender::from_static("kiosk");

async fn process(database: &Database, clock: &Clock, recorder: &Recorder) -> Athm {
    let dispatcher = Dispatcher::empty();
    let notes = recorder.clone();
    let note = move |context: &Context<'_>| {
        let delivery = Delivery::from_context(context).unwrap();
        notes.note(format!("{} {}", delivery.idempotency_key(), delivery.attempt()))
    };
    dispatcher.connect("ship", [Signal::Completed], note).unwrap();
    trusting(database, dispatcher).clock(clock.clone()).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_2_the_same_news_in_three_processes_at_once_fires_once() {
    let (database, recorder, clock) = (Database::new(), Recorder::new(), Clock::system());
    let processes = join_all((0..3).map(|_| process(&database, &clock, &recorder))).await;
    let news = (0..40).flat_map(|n| (0..6).map(move |turn| (n, turn))).map(|(n, turn)| {
        let athm = processes[turn % 3].clone();
        let reference = format!("reference-{n}").parse().unwrap();
        tokio::spawn(async move {
            // By its ticket, by its reference, or by both: two rows may turn out to be one.
            let mut seen = payment(n, Status::Completed).build();
            if turn >= 3 {
                seen = payment(n, Status::Completed).reference_number(reference).build();
            }
            athm.record(seen, KIOSK).await.unwrap().events().len()
        })
    });
    let fired: usize = join_all(news).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(fired, 40);
    assert_eq!(database.query("SELECT count(*) FROM athm_transaction"), ["40"]);
    assert_eq!(database.query("SELECT count(*) FROM athm_event"), ["40"]);
    recorder.wait_for(40).await;
    for athm in &processes {
        athm.idle().await;
        athm.shutdown(Duration::from_secs(5)).await;
    }
    let ran: HashSet<_> = recorder.noted().into_iter().collect();
    assert_eq!((ran.len(), recorder.noted().len()), (40, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_what_a_dead_process_held_is_taken_over_when_its_lease_ends() {
    let (database, recorder, clock) = (Database::new(), Recorder::new(), Clock::manual());
    let (stuck, never) = mpsc::channel::<()>();
    let (notes, never) = (recorder.clone(), Arc::new(Mutex::new(never)));
    let dispatcher = Dispatcher::empty();
    dispatcher
        .connect("ship", [Signal::Completed], move |_| {
            notes.note("begins and dies");
            let _ = never.lock().unwrap().recv();
        })
        .unwrap();
    let dying = trusting(&database, dispatcher).clock(clock.clone()).start().await.unwrap();
    dying.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    recorder.wait_for(1).await;
    drop(dying);

    let heir = process(&database, &clock, &recorder).await;
    clock.advance(Duration::from_secs(29));
    heir.idle().await;
    assert_eq!(recorder.noted().len(), 1);
    clock.advance(Duration::from_secs(2));
    heir.idle().await;
    assert!(recorder.wait_for(2).await[1].ends_with(" 2"), "{:?}", recorder.noted());
    heir.shutdown(Duration::ZERO).await;
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_deliveries_wait_for_a_process_that_knows_their_receiver() {
    let (database, recorder, clock) = (Database::new(), Recorder::new(), Clock::manual());
    let young = process(&database, &clock, &recorder).await;
    // It has no place for a delivery, so that this one is left to others.
    let old = trusting(&database, Dispatcher::empty()).clock(clock.clone()).start().await.unwrap();
    old.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
    old.idle().await;
    assert_eq!(database.query("SELECT count(*) FROM athm_delivery"), ["0"]);
    young.record(payment(2, Status::Completed).build(), KIOSK).await.unwrap();
    young.idle().await;
    assert_eq!(recorder.noted().len(), 1);
    old.shutdown(Duration::ZERO).await;
    young.shutdown(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_7_a_backlog_is_shared_and_runs_once() {
    let (database, recorder, clock) = (Database::new(), Recorder::new(), Clock::system());
    let none = Dispatcher::empty();
    none.connect("ship", [Signal::Completed], |_| ()).unwrap();
    let maker = process(&database, &clock, &recorder).await;
    for n in 0..100 {
        maker.record(payment(n, Status::Completed).build(), KIOSK).await.unwrap();
    }
    maker.idle().await;
    maker.shutdown(Duration::from_secs(5)).await;
    assert_eq!(recorder.noted().len(), 100);
    // All of them are due again, at once, with nobody there.
    database.query("UPDATE athm_delivery SET state = 'due', attempts = 0, due_at = now(), finished_at = NULL");
    let processes = join_all((0..3).map(|_| process(&database, &clock, &recorder))).await;
    recorder.wait_for(200).await;
    for athm in &processes {
        athm.idle().await;
    }
    eventually(async || database.query("SELECT count(*) FROM athm_delivery WHERE state = 'succeeded'") == ["100"])
        .await;
    assert_eq!(recorder.noted().len(), 200);
    for athm in processes {
        athm.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authorizations_of_three_processes_at_once_make_one_call() {
    let till = Till::open().await;
    let (open, go) = (till.create().await, Arc::new(Notify::new()));
    till.approve();
    till.fail_next("/authorization", TillFault::Held(Arc::clone(&go)));
    let processes = [till.athm.clone(), till.another().await, till.another().await];
    let authorizing = (0..24).map(|n| processes[n % 3].authorize(open.id()));
    let release = async {
        eventually(async || till.provider.count("/authorization") == 1).await;
        go.notify_one();
    };
    let (authorized, ()) = join(join_all(authorizing), release).await;
    assert!(authorized.into_iter().all(|payment| payment.unwrap().status() == &Status::Completed));
    assert_eq!(till.provider.count("/authorization"), 1);
    assert_eq!(till.database.query("SELECT count(*) FROM athm_event"), ["1"]);
    assert_eq!(till.database.query("SELECT count(*) FROM athm_intent"), ["0"]);
    for athm in &processes {
        athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
use athm_core::{};
