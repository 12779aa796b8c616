//! Async receivers that need not wait, beside a loop over a static array of plain function pointers.

use std::hint::black_box;
use std::task::Context;

use athm_core::dispatch::Dispatcher;
use athm_core::{Sender, Signal, Status, Transaction, receiver};
use criterion::Criterion;
use seq_macro::seq;

macro_rules! receivers {
    ($module:ident, $signal:ident, $count:literal) => {
        mod $module {
            use super::*;

            seq!(N in 0..$count {
                #(
                    #[receiver($signal)]
                    async fn receiver~N(_: &Transaction) {
                        cost::add();
                    }

                    fn function~N(_: &Transaction) {
                        cost::add();
                    }
                )*

                pub(super) static LOOP: [fn(&Transaction); $count] = [#(function~N,)*];
            });
        }
    };
}

receivers!(one, completed, 1);
receivers!(ten, cancelled, 10);
receivers!(hundred, expired, 100);

fn main() {
    let mut criterion = cost::criterion();
    compare(&mut criterion, &one::LOOP, Signal::Completed);
    compare(&mut criterion, &ten::LOOP, Signal::Cancelled);
    compare(&mut criterion, &hundred::LOOP, Signal::Expired);
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, functions: &'static [fn(&Transaction)], signal: Signal) {
    let (dispatcher, transaction, sender) = (Dispatcher::linked(), cost::payment(Status::Completed), Sender::CALLBACK);

    let by_loop = || {
        for function in black_box(functions) {
            function(black_box(&transaction));
        }
    };
    let send_robust = |task: &mut Context<'_>| {
        let failed = cost::poll(task, dispatcher.send_robust(signal, black_box(&transaction), &sender));
        assert!(failed.is_empty());
    };
    let mut task = cost::task();
    assert_eq!(cost::ran(by_loop), functions.len() as u64);
    assert_eq!(cost::ran(|| send_robust(&mut task)), functions.len() as u64);

    let mut group = criterion.benchmark_group(format!("async-{}", functions.len()));
    group.bench_function("loop", |bencher| bencher.iter(by_loop));
    group.bench_function("send_robust", |bencher| bencher.iter(|| send_robust(&mut task)));
    group.finish();
}
