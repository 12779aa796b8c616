use athm_core::receiver;

fn order() -> i32 {
    7
}

#[receiver(completed, order = order())]
fn fulfil() {}

fn main() {}
