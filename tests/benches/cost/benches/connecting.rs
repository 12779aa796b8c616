//! Ten thousand receivers that are connected one by one to an empty dispatcher, and the first look at them.

use athm_core::Signal;
use athm_core::dispatch::Dispatcher;

fn main() {
    let mut criterion = cost::criterion();
    criterion.bench_function("connect-10000", |bencher| bencher.iter(connect));
    criterion.final_summary();
}

fn connect() {
    let dispatcher = Dispatcher::empty();
    for number in 0..10_000 {
        dispatcher.connect(number.to_string(), [Signal::Completed], |_| cost::add()).expect("every id is free");
    }
    assert!(dispatcher.has_receivers(Signal::Completed));
}
