use std::time::Duration;

use athm_core::receiver;

#[receiver(completed, backoff = Duration::ZERO)]
fn fulfil() {}

fn main() {}
