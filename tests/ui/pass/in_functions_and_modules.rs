//! Wherever a function can stand: what stands in a function's body has an id, or its name can clash.

use athm_core::dispatch::Dispatcher;
use athm_core::{Transaction, receiver};

mod shop {
    pub(crate) mod orders {
        use super::Order;

        #[athm_core::receiver(completed)]
        pub(in crate::shop) fn r#yield(_: Order) {}
    }

    struct Order;

    impl athm_core::FromContext<'_> for Order {
        fn from_context(_: &athm_core::Context<'_>) -> Result<Self, athm_core::Rejection> {
            Ok(Self)
        }
    }
}

fn set_up() {
    #[receiver(completed, id = "set_up::fulfil")]
    fn fulfil(_: &Transaction) {}
}

fn set_up_another() {
    #[receiver(completed, id = "set_up_another::fulfil")]
    async fn fulfil(_: &Transaction) {}
}

fn main() {
    set_up();
    set_up_another();
    let receivers = Dispatcher::linked().receivers();
    let ids: Vec<_> = receivers.iter().map(|receiver| receiver.id().rsplit_once("shop").map_or(receiver.id(), |id| id.1)).collect();
    assert_eq!(ids, ["::orders::yield", "set_up::fulfil", "set_up_another::fulfil"]);
}
