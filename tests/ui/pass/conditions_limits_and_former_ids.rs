use std::time::Duration;

use athm_core::{Amount, Transaction, receiver};

mod guards {
    use athm_core::Transaction;

    pub const fn is_free(_: &Transaction) -> bool {
        false
    }

    pub const GUARD: fn(&Transaction) -> bool = is_free;
}

const OLD: &str = "shop::old";
const FEW: u32 = 3;
const SHORT: Duration = Duration::from_secs(10);

#[receiver(completed, id = "a", if = guards::is_free, concurrency = 2, backoff = "10s", was = "shop::fulfil")]
fn by_path() {}

#[receiver(completed, id = "b", if = guards::GUARD, concurrency = FEW, backoff = SHORT, was = OLD)]
async fn by_constants() {}

#[receiver(completed, id = "c", if = |payment| payment.total() > Amount::from_cents(100), was = ["shop::x", concat!("shop", "::y")])]
fn by_closure(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {
    by_path();
    let receivers = athm_core::dispatch::Dispatcher::linked().receivers();
    let options = |id: &str| {
        let receiver = receivers.iter().find(|receiver| receiver.id() == id).unwrap();
        let was: Vec<_> = receiver.was().map(str::to_owned).collect();
        (receiver.has_condition(), receiver.concurrency(), receiver.backoff().as_secs(), was)
    };
    assert_eq!(options("a"), (true, Some(2), 10, vec!["shop::fulfil".to_owned()]));
    assert_eq!(options("b"), (true, Some(3), 10, vec!["shop::old".to_owned()]));
    assert_eq!(options("c"), (true, None, 5, vec!["shop::x".to_owned(), "shop::y".to_owned()]));
}
