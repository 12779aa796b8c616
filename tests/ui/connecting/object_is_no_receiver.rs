use athm_core::{Dispatcher, Signal};

struct Mailer;

fn main() {
    let _ = Dispatcher::empty().connect_receiver("mail", [Signal::Completed], Mailer);
}
