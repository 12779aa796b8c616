//! What may be missing is an `Option`, and why it is missing a `Result`.

use athm_core::dispatch::Dispatcher;
use athm_core::{Context, Customer, FromContext, Refund, Rejection, State, Transaction, receiver};

struct OrderNumber(u32);

impl FromContext<'_> for OrderNumber {
    fn from_context(context: &Context<'_>) -> Result<Self, Rejection> {
        context.transaction().metadata_1().parse().map(Self).map_err(|_| Rejection::new("no order"))
    }
}

#[receiver(received, refunded)]
fn audit(transaction: &Transaction, refund: Option<&Refund>, State(prices): State<Vec<u32>>, next: Option<State<u8>>) {
    println!("{} {:?} {} {:?}", transaction.total(), refund.map(|refund| refund.amount), prices.len(), next);
}

#[receiver(completed)]
async fn fulfil<'a>(order: Result<OrderNumber, Rejection>, again: Option<OrderNumber>, context: &'a Context<'a>) {
    println!("{:?} {} {}", order.map(|order| order.0), again.is_some(), context.receiver());
}

#[receiver(expired)]
async fn release(context: &Context<'_>, refund: Result<Option<&Refund>, Rejection>, customer: Option<&Customer>) {
    println!("{} {} {}", context.sender(), refund.is_ok(), customer.is_some());
}

fn main() {
    assert_eq!(Dispatcher::linked().receivers().len(), 3);
}
