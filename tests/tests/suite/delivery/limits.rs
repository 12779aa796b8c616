//! Receivers with a `concurrency`: it limits how many of their deliveries run at once in a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use athm_core::dispatch::{Dispatcher, ReceiverOptions};
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{Signal, State, receiver};
use athm_tests::{TextRecorder, eventually, linked_dispatcher, trusting_builder};
use tokio::sync::Semaphore;

use super::{DAY, complete};
use crate::Database;

/// What the limited receiver waits for, and how many of it run at once.
#[derive(Debug, Default)]
struct Gate {
    running: AtomicU32,
    most: AtomicU32,
    ended: AtomicU32,
}

type Open = Arc<Semaphore>;

#[receiver(completed, id = "limits.one", concurrency = 1, timeout = "1h")]
async fn one_at_a_time(State(gate): State<Gate>, State(open): State<Open>) {
    gate.most.fetch_max(gate.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    open.acquire().await.unwrap().forget();
    gate.running.fetch_sub(1, Ordering::SeqCst);
    gate.ended.fetch_add(1, Ordering::SeqCst);
}

/// Of a higher order: it starts although a receiver of a lower one waits for its limit.
#[receiver(completed, id = "limits.other", order = 1)]
fn other(State(recorder): State<TextRecorder>) {
    recorder.note("other");
}

#[tokio::test]
async fn a_receiver_that_hangs_at_its_limit_delays_no_other_receiver() {
    const PAYMENTS: u32 = 1000;
    let (database, recorder, gate, open) =
        (Database::new(), TextRecorder::new(), Arc::new(Gate::default()), Arc::new(Semaphore::new(0)));
    let dispatcher =
        linked_dispatcher("limits.").state(recorder.clone()).shared_state(Arc::clone(&gate)).state(Arc::clone(&open));
    let athm = trusting_builder(&database, dispatcher).concurrency(8).start().await.unwrap();
    for n in 1..=PAYMENTS {
        complete(&athm, n).await;
    }
    // One delivery of the first event waits for the receiver that hangs, and all others end.
    eventually(async || recorder.noted().len() >= PAYMENTS as usize - 1).await;
    assert_eq!((gate.running.load(Ordering::SeqCst), gate.ended.load(Ordering::SeqCst)), (1, 0));
    open.add_permits(PAYMENTS as usize);
    eventually(async || gate.ended.load(Ordering::SeqCst) == PAYMENTS).await;
    athm.idle().await;
    assert_eq!((gate.most.load(Ordering::SeqCst), recorder.noted().len()), (1, PAYMENTS as usize));
    athm.shutdown(DAY).await;
}

#[tokio::test]
async fn a_shutdown_gives_up_the_deliveries_that_wait_for_a_limit_without_an_attempt() {
    let (database, clock, open) = (Database::new(), Clock::manual(), Arc::new(Semaphore::new(0)));
    let start = |notes: TextRecorder| {
        let open = Arc::clone(&open);
        let limited = move |context: &athm_core::Context<'_>| {
            let delivery = <athm_core::Delivery as athm_core::FromContext>::from_context(context).unwrap();
            notes.note(delivery.attempt());
            let open = Arc::clone(&open);
            async move { open.acquire().await.unwrap().forget() }
        };
        let options = ReceiverOptions::new("two").concurrency(2);
        let builder = trusting_builder(&database, Dispatcher::empty()).clock(clock.clone());
        builder.connect(options, [Signal::Completed], limited).start()
    };
    let first = TextRecorder::new();
    let athm = start(first.clone()).await.unwrap();
    for n in 1..=5 {
        complete(&athm, n).await;
    }
    eventually(async || first.noted().len() == 2).await;
    athm.shutdown(std::time::Duration::from_millis(1)).await;
    assert_eq!(first.noted(), ["1", "1"]);

    open.add_permits(5);
    let second = TextRecorder::new();
    let athm = start(second.clone()).await.unwrap();
    eventually(async || second.noted().len() == 5).await;
    athm.idle().await;
    assert_eq!(second.noted(), ["1"; 5]);
    athm.shutdown(DAY).await;
}
