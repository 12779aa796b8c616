use athm_core::Transaction;

#[athm_core::receiver(completed)]
#[allow(dead_code)]
#[athm_actix::receiver(expired)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
