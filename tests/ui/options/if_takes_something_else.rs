use athm_core::{Amount, receiver};

fn is_large(amount: Amount) -> bool {
    amount > Amount::from_cents(10_000)
}

#[receiver(completed, if = is_large)]
fn fulfil() {}

fn main() {}
