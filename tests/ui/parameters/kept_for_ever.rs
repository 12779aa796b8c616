use athm_core::{Context, FromContext, Rejection, Transaction, receiver};

struct Kept<'a>(&'a Transaction);

impl<'a> FromContext<'a> for Kept<'a> {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(Self(context.transaction()))
    }
}

#[receiver(completed)]
fn fulfil(Kept(transaction): Kept<'static>) {
    println!("{}", transaction.total());
}

fn main() {}
