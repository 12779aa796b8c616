//! Another slice of our slice's name, as a second version of athm would bring.

use athm_core::Athm;
use linkme::distributed_slice;

#[distributed_slice]
pub static ATHM_RECEIVERS_V1: [fn()];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    match runtime.block_on(Athm::builder().trust_callbacks().start()) {
        Ok(_) => println!("it starts"),
        Err(error) => println!("{error}"),
    }
}
