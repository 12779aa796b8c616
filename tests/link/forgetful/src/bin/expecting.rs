//! Names `handlers` nowhere either, but says what it expects of it.

use athm_core::Athm;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let builder = Athm::builder().trust_callbacks().expect_receivers(["handlers::fulfil"]);
    match runtime.block_on(builder.start()) {
        Ok(_) => println!("it starts"),
        Err(error) => println!("{error}"),
    }
}
