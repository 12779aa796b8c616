//! What the programs here have to say.

/// Prints the id of every receiver that was linked into the program, a line each.
pub fn print() {
    for receiver in athm_core::dispatch::Dispatcher::linked().receivers() {
        println!("{}", receiver.id());
    }
}
