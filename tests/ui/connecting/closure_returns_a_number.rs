use athm_core::{Dispatcher, Signal};

fn main() {
    let _ = Dispatcher::empty().connect("count", [Signal::Completed], |_| 5);
}
