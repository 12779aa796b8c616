//! What a dispatch withstands: receivers that dispatch within each other, that take all they get, and that are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use athm_core::dispatch::{Connection, Dispatcher, Failure, ReceiverOptions, ReportEntry};
use athm_core::{Amount, Context, Sender, Signal, Status, Transaction};
use athm_tests::TextRecorder;
use futures_util::FutureExt;
use tokio::sync::Notify;

fn paid() -> Transaction {
    Transaction::builder(Status::Completed, Amount::from_cents(2500)).build()
}

fn send(dispatcher: &Dispatcher) -> impl Future<Output = Vec<ReportEntry>> {
    let dispatcher = dispatcher.clone();
    async move { dispatcher.send_robust(Signal::Completed, &paid(), &Sender::CALLBACK).await }
}

/// Counts its calls, and whether the innermost one was refused.
#[derive(Clone, Default)]
struct Endless {
    calls: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Endless {
    fn note(&self, failed: &[ReportEntry]) {
        let is_refused = |entry: &&ReportEntry| matches!(entry.result(), Err(Failure::TooDeep { limit: 64 }));
        self.refused.fetch_add(failed.iter().filter(is_refused).count(), Ordering::Relaxed);
    }

    fn counted(&self) -> (usize, usize) {
        (self.calls.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn an_async_receiver_that_dispatches_to_itself_is_stopped_before_the_stack_overflows() {
    let (dispatcher, endless) = (Dispatcher::empty(), Endless::default());
    let (inside, noting) = (dispatcher.clone(), endless.clone());
    let endless_receiver = move |_: &Context<'_>| {
        let (inside, noting) = (inside.clone(), noting.clone());
        async move {
            noting.calls.fetch_add(1, Ordering::Relaxed);
            noting.note(&send(&inside).boxed().await);
        }
    };
    dispatcher.connect("endless", [Signal::Completed], endless_receiver).unwrap();

    assert!(send(&dispatcher).await.is_empty());
    assert_eq!(endless.counted(), (64, 1));
    assert!(send(&dispatcher).await.is_empty(), "and the next dispatch begins at the top again");
    assert_eq!(endless.counted(), (128, 2));
}

#[tokio::test]
async fn a_sync_receiver_that_dispatches_to_itself_is_stopped_before_the_stack_overflows() {
    let (dispatcher, endless) = (Dispatcher::empty(), Endless::default());
    let (inside, noting) = (dispatcher.clone(), endless.clone());
    let endless_receiver = move |_: &Context<'_>| {
        noting.calls.fetch_add(1, Ordering::Relaxed);
        noting.note(&send(&inside).now_or_never().expect("no receiver waits"));
    };
    dispatcher.connect("endless", [Signal::Completed], endless_receiver).unwrap();

    assert!(send(&dispatcher).await.is_empty());
    assert_eq!(endless.counted(), (64, 1));
}

#[tokio::test]
async fn a_blocking_receiver_that_dispatches_to_itself_is_stopped_before_the_pool_has_no_thread_left() {
    let (dispatcher, endless) = (Dispatcher::empty(), Endless::default());
    let (inside, noting) = (dispatcher.clone(), endless.clone());
    let endless_receiver = move |_: &Context<'_>| {
        noting.calls.fetch_add(1, Ordering::Relaxed);
        let runtime = tokio::runtime::Handle::current();
        noting.note(&runtime.block_on(send(&inside)));
    };
    dispatcher.connect(ReceiverOptions::new("endless").blocking(), [Signal::Completed], endless_receiver).unwrap();

    assert!(send(&dispatcher).await.is_empty());
    assert_eq!(endless.counted(), (64, 1));
}

#[tokio::test]
async fn a_receiver_that_uses_up_tokios_budget_leaves_the_others_theirs() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let notes = recorder.clone();
    dispatcher
        .connect(ReceiverOptions::new("greedy"), [Signal::Completed], move |_| {
            let notes = notes.clone();
            async move {
                // More than ten polls' worth of budget: it is stopped in between.
                for _ in 0..2_000 {
                    tokio::task::coop::consume_budget().await;
                }
                notes.note("greedy");
            }
        })
        .unwrap();
    let notes = recorder.clone();
    dispatcher
        .connect("modest", [Signal::Completed], move |_| {
            let notes = notes.clone();
            async move {
                for _ in 0..5 {
                    tokio::task::coop::consume_budget().await;
                }
                notes.note("modest");
            }
        })
        .unwrap();

    assert!(send(&dispatcher).await.is_empty());
    assert_eq!(recorder.noted(), ["modest", "greedy"]);
}

#[tokio::test]
async fn a_dispatch_that_is_dropped_drops_who_waits_and_never_calls_who_has_not_started() {
    let (dispatcher, recorder, door) = (Dispatcher::empty(), TextRecorder::new(), Arc::new(Notify::new()));
    struct Dropped(TextRecorder);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.note("dropped");
        }
    }
    let (notes, closed) = (recorder.clone(), Arc::clone(&door));
    dispatcher
        .connect("waits", [Signal::Completed], move |_| {
            let (notes, closed) = (notes.clone(), Arc::clone(&closed));
            async move {
                let _dropped = Dropped(notes.clone());
                closed.notified().await;
                notes.note("ended");
            }
        })
        .unwrap();
    let notes = recorder.clone();
    let later = ReceiverOptions::new("later").order(1);
    dispatcher.connect(later, [Signal::Completed], move |_| notes.note("later")).unwrap();

    assert!(send(&dispatcher).now_or_never().is_none(), "dropped while the first one waits");
    door.notify_one();
    tokio::task::yield_now().await;
    assert_eq!(recorder.noted(), ["dropped"]);
}

#[tokio::test]
async fn of_many_that_come_and_go_those_that_stay_are_called_in_their_order() {
    let (dispatcher, recorder) = (Dispatcher::empty(), TextRecorder::new());
    let connect = |number: i32| -> Connection {
        let (notes, options) = (recorder.clone(), ReceiverOptions::new(number.to_string()).order(-(number % 3)));
        dispatcher.connect(options, [Signal::Completed], move |_| notes.note(number)).unwrap()
    };
    let connections: Vec<Connection> = (0..1_000).map(connect).collect();
    for (number, connection) in connections.iter().enumerate().filter(|(number, _)| *number != 500 && *number != 7) {
        let gone = if number % 2 == 0 { connection.disconnect() } else { dispatcher.disconnect(&number.to_string()) };
        assert!(gone && !connection.disconnect(), "{number}");
    }
    let _ = connect(9);

    assert!(send(&dispatcher).await.is_empty());
    assert_eq!(recorder.noted(), ["500", "7", "9"]);
    assert!(!dispatcher.disconnect("8"));
    assert_eq!(dispatcher.receivers().len(), 3);
}
