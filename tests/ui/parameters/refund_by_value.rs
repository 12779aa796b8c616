use athm_core::{Refund, receiver};

#[receiver(refunded)]
fn give_back(refund: Refund) {
    println!("{}", refund.amount);
}

fn main() {}
