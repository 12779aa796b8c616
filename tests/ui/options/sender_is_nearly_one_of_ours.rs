use athm_core::receiver;

#[receiver(completed, sender = "Callback")]
fn fulfil() {}

#[receiver(expired, sender = ["kiosk", "webhooks"])]
fn release() {}

fn main() {}
