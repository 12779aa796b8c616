//! A program with athm-core and receivers in a dynamic library, and with a receiver of its own, which is in no list.

use athm_core::{Athm, receiver};

#[receiver(completed)]
fn release() {}

fn main() {
    dynamic::named();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    match runtime.block_on(Athm::builder().trust_callbacks().start()) {
        Ok(_) => println!("it starts"),
        Err(error) => println!("{error}"),
    }
}
