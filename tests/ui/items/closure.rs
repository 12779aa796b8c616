use athm_core::{Transaction, receiver};

fn main() {
    let fulfil = #[receiver(completed)]
    |transaction: &Transaction| println!("{}", transaction.total());
    fulfil(todo!());
}
