use athm_core::{Transaction, receiver};

struct Shop;

impl Shop {
    #[receiver(completed)]
    fn fulfil(&self, transaction: &Transaction) {
        println!("{}", transaction.total());
    }
}

fn main() {}
