//! Has a module of its own library, which it links as well.

use athm_core::Athm;

mod receivers;

athm_core::link!(module_in_both);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    match runtime.block_on(Athm::builder().trust_callbacks().start()) {
        Ok(_) => println!("it starts"),
        Err(error) => println!("{error}"),
    }
}
