use athm_core::receiver;

#[receiver(completed, order = "first")]
fn fulfil() {}

fn main() {
    fulfil();
}
