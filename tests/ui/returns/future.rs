use athm_core::receiver;

use std::future::{Future, ready};

#[receiver(completed)]
fn fulfil() -> impl Future<Output = ()> {
    ready(())
}

fn main() {}
