use athm_core::{Transaction, receiver};

trait Fulfil {
    #[receiver(completed)]
    fn fulfil(&self, transaction: &Transaction);
}

fn main() {}
