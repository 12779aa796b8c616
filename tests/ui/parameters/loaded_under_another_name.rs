use athm_core::dispatch::{Load, Loaded};
use athm_core::{BoxError, Context, receiver};

struct Order;

impl Load for Order {
    async fn load(_: &Context<'_>) -> Result<Self, BoxError> {
        Ok(Self)
    }
}

type LoadedOrder = Loaded<Order>;

#[receiver(completed)]
async fn fulfil(Loaded(_): LoadedOrder) {}

fn main() {}
