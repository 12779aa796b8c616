use athm_core::dispatch::Dispatcher;
use athm_core::{Delivery, Refund, Sender, Signal, State, Transaction, receiver};

#[receiver(completed)]
fn ring() {}

#[receiver(completed)]
async fn count(
    _: &Transaction,
    _: &Transaction,
    _: Signal,
    _: &Sender,
    _: Delivery,
    State(_): State<u8>,
    State(_): State<u16>,
    State(_): State<u32>,
    State(_): State<u64>,
    State(_): State<str>,
    State(_): State<dyn Fn() + Send + Sync>,
    State(_): State<[String]>,
) {
}

#[receiver(refunded)]
fn give_back(_: &Transaction, _: &Refund) {}

fn main() {
    assert_eq!(Dispatcher::linked().receivers().len(), 3);
}
