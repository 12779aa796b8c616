use athm_core::{Transaction, receiver};

fn main() {
    let fulfil = #[receiver(completed)]
    |transaction: &Transaction| println!("{}", transaction.total());
    let _: fn(&Transaction) = fulfil;
}
