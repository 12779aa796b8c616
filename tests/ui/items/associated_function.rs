use athm_core::{Transaction, receiver};

struct Shop;

impl Shop {
    #[receiver(completed)]
    fn fulfil(transaction: &Transaction) {
        println!("{}", transaction.total());
    }
}

fn main() {}
