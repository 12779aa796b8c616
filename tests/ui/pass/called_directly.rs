//! It is still the function that was written.

use std::convert::Infallible;
use std::sync::Arc;

use athm_core::{Amount, State, Status, Transaction, receiver};

#[receiver(completed, order = 5)]
fn fulfil(transaction: &Transaction, State(price): State<Amount>) -> Result<(), &'static str> {
    if transaction.total() == *price { Ok(()) } else { Err("another price") }
}

#[receiver(completed)]
async fn ship(transaction: &Transaction) -> Result<(), Infallible> {
    assert_eq!(transaction.metadata_1(), "order-7");
    Ok(())
}

fn main() {
    let price = Amount::from_cents(100);
    let transaction = Transaction::builder(Status::Completed, price).metadata_1("order-7").build();
    assert_eq!(fulfil(&transaction, State(Arc::new(price))), Ok(()));
    let by_name: fn(&Transaction, State<Amount>) -> Result<(), &'static str> = fulfil;
    assert_eq!(by_name(&transaction, State(Arc::new(Amount::ZERO))), Err("another price"));
    assert_eq!(futures_util::FutureExt::now_or_never(ship(&transaction)), Some(Ok(())));
}
