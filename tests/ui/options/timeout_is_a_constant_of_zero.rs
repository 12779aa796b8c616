use std::time::Duration;

use athm_core::receiver;

#[receiver(completed, timeout = Duration::from_secs(0))]
fn fulfil() {}

fn main() {}
