//! What a dispatch takes from the heap: nothing that its receivers don't need.

use allocation_counter::measure;
use athm_core::dispatch::Dispatcher;
use athm_core::{Amount, Sender, Signal, Status, Transaction, receiver};
use futures_util::FutureExt;

#[receiver(completed, id = "sync.one")]
fn one(transaction: &Transaction) {
    assert_eq!(transaction.total(), Amount::from_cents(2500));
}

#[receiver(completed, id = "sync.two", order = 2)]
fn two(signal: Signal, sender: &Sender) -> Result<(), std::io::Error> {
    assert_eq!((signal, sender), (Signal::Completed, &Sender::CALLBACK));
    Ok(())
}

#[receiver(completed, id = "sync.filtered", sender = "callback")]
fn filtered() {}

#[receiver(cancelled, id = "async.one")]
async fn later(transaction: &Transaction) {
    std::future::ready(()).await;
    assert_eq!(transaction.status(), &Status::Cancelled);
}

#[receiver(cancelled, id = "async.two", order = 3)]
async fn later_still(transaction: &Transaction) -> Result<(), std::io::Error> {
    std::future::ready(()).await;
    assert_eq!(transaction.status(), &Status::Cancelled);
    Ok(())
}

#[receiver(cancelled, id = "sync.between", order = 1)]
fn between() {}

fn payment(status: Status) -> Transaction {
    Transaction::builder(status, Amount::from_cents(2500)).build()
}

/// How often the heap was asked, after everything that is made once has been made.
fn allocations(run: impl Fn()) -> u64 {
    run();
    measure(run).count_total
}

fn send(dispatcher: &Dispatcher, signal: Signal, transaction: &Transaction) {
    let failed = dispatcher.send_robust(signal, transaction, &Sender::CALLBACK).now_or_never();
    assert!(failed.expect("no receiver is pending").is_empty());
}

#[test]
fn point_4_sync_receivers_that_succeed_cost_no_allocation() {
    let (dispatcher, paid) = (Dispatcher::linked(), payment(Status::Completed));
    assert_eq!(allocations(|| send(&dispatcher, Signal::Completed, &paid)), 0);
}

#[test]
fn a_full_report_costs_one_allocation() {
    let (dispatcher, paid) = (Dispatcher::linked(), payment(Status::Completed));
    let dispatch = || {
        let report = dispatcher.dispatch(&paid, Sender::CALLBACK).now_or_never().expect("no receiver is pending");
        assert!(report.is_ok());
    };
    assert_eq!(allocations(dispatch), 1);
}

#[test]
fn each_async_receiver_costs_one_allocation() {
    let (dispatcher, cancelled) = (Dispatcher::linked(), payment(Status::Cancelled));
    assert_eq!(allocations(|| send(&dispatcher, Signal::Cancelled, &cancelled)), 2);
}

#[test]
fn connecting_and_disconnecting_costs_later_dispatches_no_allocation() {
    let (dispatcher, paid) = (Dispatcher::linked(), payment(Status::Completed));
    dispatcher.connect("guest", [Signal::Completed], |_| ()).unwrap();
    assert_eq!(allocations(|| send(&dispatcher, Signal::Completed, &paid)), 0);
    assert!(dispatcher.disconnect("guest"));
    assert_eq!(allocations(|| send(&dispatcher, Signal::Completed, &paid)), 0);
}
