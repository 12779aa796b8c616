use athm_core::dispatch::Dispatcher;
use athm_core::Signal;

struct Mailer;

fn main() {
    let _ = Dispatcher::empty().connect_receiver("mail", [Signal::Completed], Mailer);
}
