use athm_core::receiver;

#[receiver(completed, when = is_of_the_shop)]
fn fulfil() {}

fn main() {}
