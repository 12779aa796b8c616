use athm_core::dispatch::{Load, Loaded};
use athm_core::{BoxError, Context, receiver};

struct Order;

impl Load for Order {
    async fn load(_: &Context<'_>) -> Result<Self, BoxError> {
        Ok(Self)
    }
}

#[receiver(completed)]
fn fulfil(Loaded(_): Loaded<Order>) {}

fn main() {}
