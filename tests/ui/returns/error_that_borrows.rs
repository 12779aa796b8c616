use std::fmt;

use athm_core::{Transaction, receiver};

#[derive(Debug)]
struct SoldOut<'a>(&'a str);

impl fmt::Display for SoldOut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for SoldOut<'_> {}

#[receiver(completed)]
fn fulfil(transaction: &Transaction) -> Result<(), SoldOut<'_>> {
    Err(SoldOut(transaction.metadata_1()))
}

fn main() {}
