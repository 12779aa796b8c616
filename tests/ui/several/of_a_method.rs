use athm_core::{Transaction, receiver};

struct Shop;

impl Shop {
    #[receiver(completed)]
    #[receiver(expired, id = "shop::release")]
    fn fulfil(&self, transaction: &Transaction) {
        println!("{}", transaction.total());
    }
}

fn main() {}
