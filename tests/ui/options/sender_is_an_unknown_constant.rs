use athm_core::{Sender, receiver};

#[receiver(completed, sender = Sender::CALLBACKS)]
fn fulfil(_: &Sender) {}

fn main() {}
