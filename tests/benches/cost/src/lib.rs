//! What the benchmarks share.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use athm_core::{Amount, Status, Transaction};
use criterion::Criterion;

static RAN: AtomicU64 = AtomicU64::new(0);

/// The body of every receiver here, in athm and in the peers: the least observable work.
#[inline]
pub fn add() {
    RAN.fetch_add(1, Ordering::Relaxed);
}

/// How many receivers ran meanwhile: a benchmark of nothing is quick, too.
pub fn ran(run: impl FnOnce()) -> u64 {
    let before = RAN.load(Ordering::Relaxed);
    run();
    RAN.load(Ordering::Relaxed) - before
}

/// The task that a runtime polls: it makes its context once, whatever the task dispatches.
#[must_use]
pub fn task() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Polls a future once. No future here is pending.
#[inline]
pub fn poll<T>(task: &mut Context<'_>, future: impl Future<Output = T>) -> T {
    match pin!(future).poll(task) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is pending"),
    }
}

/// A payment in that state.
#[must_use]
pub fn payment(status: Status) -> Transaction {
    Transaction::builder(status, Amount::from_cents(2500)).metadata_1("order-7").build()
}

/// Long enough for a hundredth, short enough for a lunch break.
#[must_use]
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}
