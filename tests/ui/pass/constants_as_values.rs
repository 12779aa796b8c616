//! Every value may be a constant expression.

use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::{Sender, Signal, receiver};

mod ids {
    pub(crate) const FULFIL: &str = "shop::fulfil";
}

mod orders {
    pub(crate) const FIRST: i32 = -100;
}

const ATTEMPTS: u32 = 3;
const LIMIT: Duration = Duration::from_secs(90);
const KIOSK: Sender = Sender::from_static("kiosk");
const GATE: &str = "gate";

#[receiver(completed, id = ids::FULFIL, order = orders::FIRST, sender = Sender::CALLBACK, attempts = ATTEMPTS, timeout = LIMIT)]
fn fulfil() {}

#[receiver(expired, id = concat!("shop::", "release"), order = orders::FIRST + 1, sender = [KIOSK, GATE, "webhook", Sender::from_static("till")])]
async fn release() {}

#[receiver(cancelled, id = "shop::note", order = 1 - 1, attempts = 2 * ATTEMPTS, timeout = Duration::from_millis(250), sender = GATE)]
const fn note() {}

macro_rules! on {
    ($id:expr, $order:expr, $sender:expr, $attempts:literal, $timeout:literal) => {
        #[receiver(refunded, id = $id, order = $order, sender = $sender, attempts = $attempts, timeout = $timeout)]
        fn give_back() {}
    };
}

on!("shop::give_back", 7, "kiosk", 4, "5s");

fn main() {
    let receivers = Dispatcher::linked().receivers();
    let [fulfil, release, note, give_back] = &receivers[..] else { panic!("{receivers:?}") };

    assert_eq!((fulfil.id(), fulfil.order(), fulfil.attempts()), ("shop::fulfil", -100, 3));
    assert_eq!((fulfil.senders(), fulfil.timeout()), (vec![Sender::CALLBACK], Duration::from_secs(90)));
    assert_eq!((release.id(), release.order()), ("shop::release", -99));
    assert_eq!(release.senders(), ["kiosk", "gate", "webhook", "till"].map(Sender::from_static));
    assert_eq!((note.order(), note.attempts(), note.timeout()), (0, 6, Duration::from_millis(250)));
    assert_eq!((note.signals(), note.senders()), (&[Signal::Cancelled][..], vec![Sender::new("gate")]));
    assert_eq!((give_back.id(), give_back.order(), give_back.attempts()), ("shop::give_back", 7, 4));
}
