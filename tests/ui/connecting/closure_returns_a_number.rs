use athm_core::dispatch::Dispatcher;
use athm_core::Signal;

fn main() {
    let _ = Dispatcher::empty().connect("count", [Signal::Completed], |_| 5);
}
