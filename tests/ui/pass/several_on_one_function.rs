//! Each is a receiver of its own, with options of its own.

use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::{Sender, Signal, Transaction, receiver};

#[receiver(completed, attempts = 3, timeout = "2m")]
#[receiver(cancelled, expired, id = "shop::release", order = -10)]
#[allow(unused_variables)]
#[athm_actix::receiver(refunded, id = "shop::give_back", sender = "kiosk", blocking)]
fn settle(transaction: &Transaction, signal: Signal) {}

fn main() {
    let receivers = Dispatcher::linked().receivers();
    let [release, settle, give_back] = &receivers[..] else { panic!("{receivers:?}") };
    assert_eq!((settle.attempts(), settle.timeout(), settle.line()), (3, Duration::from_secs(120), Some(8)));
    assert_eq!((release.id(), release.order(), release.line()), ("shop::release", -10, Some(9)));
    assert_eq!(release.signals(), [Signal::Cancelled, Signal::Expired]);
    assert_eq!((give_back.senders(), give_back.attempts()), (vec![Sender::new("kiosk")], 10));
}
