use athm_core::receiver;

use std::fmt;
use std::rc::Rc;

#[derive(Debug)]
struct SoldOut(Rc<str>);

impl fmt::Display for SoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SoldOut {}

#[receiver(completed)]
fn fulfil() -> Result<(), SoldOut> {
    Err(SoldOut("the last one is gone".into()))
}

fn main() {}
