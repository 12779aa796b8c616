//! Sync receivers: a loop over a static array of function pointers, the same functions as receivers, and these with a full
//! report.

use std::hint::black_box;
use std::task::Context;

use athm_core::dispatch::Dispatcher;
use athm_core::{Sender, Signal, Status, Transaction, receiver};
use criterion::Criterion;
use seq_macro::seq;

/// Functions that are receivers and stand in an array, too. Each number of them has a signal of its own.
macro_rules! receivers {
    ($module:ident, $signal:ident, $count:literal) => {
        mod $module {
            use super::*;

            seq!(N in 0..$count {
                #(
                    #[receiver($signal)]
                    fn receiver~N(_: &Transaction) {
                        cost::add();
                    }
                )*

                pub(super) static LOOP: [fn(&Transaction); $count] = [#(receiver~N,)*];
            });
        }
    };
}

receivers!(one, completed, 1);
receivers!(ten, cancelled, 10);
receivers!(hundred, expired, 100);

fn main() {
    let mut criterion = cost::criterion();
    compare(&mut criterion, &one::LOOP, Signal::Completed, Status::Completed);
    compare(&mut criterion, &ten::LOOP, Signal::Cancelled, Status::Cancelled);
    compare(&mut criterion, &hundred::LOOP, Signal::Expired, Status::Expired);
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, functions: &'static [fn(&Transaction)], signal: Signal, status: Status) {
    let (dispatcher, transaction, sender) = (Dispatcher::linked(), cost::payment(status), Sender::CALLBACK);

    let by_loop = || {
        for function in black_box(functions) {
            function(black_box(&transaction));
        }
    };
    let send_robust = |task: &mut Context<'_>| {
        let failed = cost::poll(task, dispatcher.send_robust(signal, black_box(&transaction), &sender));
        assert!(failed.is_empty());
    };
    let dispatch = |task: &mut Context<'_>| {
        let report = cost::poll(task, dispatcher.dispatch(black_box(&transaction), Sender::CALLBACK));
        assert!(report.is_ok());
    };
    let mut task = cost::task();
    assert_eq!(cost::ran(by_loop), functions.len() as u64);
    assert_eq!(cost::ran(|| send_robust(&mut task)), functions.len() as u64);
    assert_eq!(cost::ran(|| dispatch(&mut task)), functions.len() as u64);

    let mut group = criterion.benchmark_group(format!("sync-{}", functions.len()));
    group.bench_function("loop", |bencher| bencher.iter(by_loop));
    group.bench_function("send_robust", |bencher| bencher.iter(|| send_robust(&mut task)));
    group.bench_function("dispatch", |bencher| bencher.iter(|| dispatch(&mut task)));
    group.finish();
}
