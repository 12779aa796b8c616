use athm_core::{Transaction, receiver};

#[receiver(complete, order = "10")]
fn fulfil<T>(transaction: &Transaction, more: impl Send) {
    drop((transaction, more));
}

fn main() {}
