//! The same work in other Rust crates that call receivers: signals2, and the observers of bevy_ecs.

use std::hint::black_box;
use std::sync::Arc;

use athm_core::dispatch::Dispatcher;
use athm_core::{Sender, Signal, Status, Transaction, receiver};
use bevy_ecs::event::Event;
use bevy_ecs::observer::On;
use bevy_ecs::world::World;
use criterion::Criterion;
use seq_macro::seq;
use signals2::{Connect1, Emit1};

seq!(N in 0..10 {
    #[receiver(completed)]
    fn ten~N(_: &Transaction) {
        cost::add();
    }
});

seq!(N in 0..100 {
    #[receiver(expired)]
    fn hundred~N(_: &Transaction) {
        cost::add();
    }
});

/// What bevy_ecs observes.
#[derive(Event)]
struct Paid(#[allow(dead_code, reason = "no receiver reads it, here or in athm")] Arc<Transaction>);

fn main() {
    let mut criterion = cost::criterion();
    compare(&mut criterion, 10, Signal::Completed);
    compare(&mut criterion, 100, Signal::Expired);
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, count: u64, signal: Signal) {
    let (dispatcher, sender) = (Dispatcher::linked(), Sender::CALLBACK);
    let transaction = Arc::new(cost::payment(Status::Completed));
    let mut task = cost::task();
    let mut send_robust = || {
        let failed = cost::poll(&mut task, dispatcher.send_robust(signal, black_box(&transaction), &sender));
        assert!(failed.is_empty());
    };

    // What signals2 sends is cloned for each receiver, and can't be borrowed: a shared payment, and a number alone.
    let paid: signals2::Signal<(Arc<Transaction>,)> = signals2::Signal::new();
    let number: signals2::Signal<(u64,)> = signals2::Signal::new();
    let mut world = World::new();
    for _ in 0..count {
        paid.connect(|_| cost::add());
        number.connect(|_| cost::add());
        world.add_observer(|_: On<Paid>| cost::add());
    }
    world.flush();
    let emit = || paid.emit(Arc::clone(black_box(&transaction)));
    let emit_number = || number.emit(black_box(7));
    let mut trigger = || world.trigger(Paid(Arc::clone(black_box(&transaction))));

    let contenders: [&mut dyn FnMut(); 4] =
        [&mut send_robust, &mut || _ = emit(), &mut || _ = emit_number(), &mut trigger];
    for run in contenders {
        assert_eq!(cost::ran(run), count);
    }

    let mut group = criterion.benchmark_group(format!("peers-{count}"));
    group.bench_function("send_robust", |bencher| bencher.iter(&mut send_robust));
    group.bench_function("signals2", |bencher| bencher.iter(emit));
    group.bench_function("signals2, a number", |bencher| bencher.iter(emit_number));
    group.bench_function("bevy_ecs", |bencher| bencher.iter(&mut trigger));
    group.finish();
}
