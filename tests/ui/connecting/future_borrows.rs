use athm_core::{Dispatcher, Signal};

fn main() {
    let _ = Dispatcher::empty().connect("print", [Signal::Completed], |context| async move {
        println!("{}", context.transaction().total());
    });
}
