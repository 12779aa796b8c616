//! What `macro_rules!` writes is a receiver like any other, and no name of ours gets in the way of the user's.

use athm_core::dispatch::Dispatcher;
use athm_core::{FromContext, Signal, State, Transaction, receiver};

macro_rules! on {
    ($name:ident, $signal:ident, $order:literal, $label:expr, $payment:ty $(, $more:ident: $type:ty)*) => {
        #[receiver($signal, order = $order, id = $label)]
        fn $name(payment: $payment $(, $more: $type)*) {
            let _: &Transaction = payment;
            $(assert_from_context($more);)*
        }
    };
}

fn assert_from_context<'a, T: FromContext<'a>>(_: T) {}

on!(fulfil, completed, -1, "one", &Transaction);
on!(release, expired, 0, "two", &Transaction, signal: Signal, prices: State<Vec<u32>>);

// A shorthand type keeps its meaning, and a lifetime of its own.
type Payment<'a> = &'a Transaction;

#[receiver(received, order = 1)]
fn __context(__athm: Payment, __context: Signal) {
    println!("{} {__context}", __athm.total());
}

#[receiver(received, order = 2)]
async fn __athm(State(callback): State<for<'x> fn(&'x str) -> &'x str>, State(name): State<&'static str>) {
    println!("{}", callback(*name));
}

fn main() {
    let receivers = Dispatcher::linked().receivers();
    let ids: Vec<_> = receivers.iter().map(|receiver| receiver.id().rsplit("::").next().unwrap_or_default()).collect();
    assert_eq!(ids, ["one", "two", "__context", "__athm"]);
}
