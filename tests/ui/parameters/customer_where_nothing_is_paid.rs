use athm_core::{Customer, receiver};

#[receiver(cancelled)]
fn comfort(customer: &Customer) {
    println!("{customer:?}");
}

fn main() {}
