use athm_core::dispatch::Dispatcher;
use athm_core::Signal;

fn main() {
    let _ = Dispatcher::empty().connect("print", [Signal::Completed], |context| async move {
        println!("{}", context.transaction().total());
    });
}
