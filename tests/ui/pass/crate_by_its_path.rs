//! Where Cargo.toml doesn't tell, `crate = …` does.

mod framework {
    pub mod athm {
        pub use athm_core::*;
    }

    macro_rules! on_payment {
        ($function:item) => {
            #[athm_core::receiver(completed, crate = $crate::framework::athm)]
            $function
        };
    }
    pub(crate) use on_payment;
}

use athm_core as payments;
use framework::athm::dispatch::Dispatcher;
use framework::athm::{Transaction, receiver as on};

#[on(completed, crate = framework::athm)]
fn fulfil(_: &Transaction) {}

#[on(completed, crate = ::athm_actix)]
async fn ship(_: &Transaction) {}

#[payments::receiver(completed, crate = self::payments)]
fn thank(_: &Transaction) {}

framework::on_payment! {
    fn print(_: &Transaction) {}
}

fn main() {
    assert_eq!(Dispatcher::linked().receivers().len(), 4);
}
