use athm_core::{State, receiver};

use std::cell::Cell;

#[receiver(completed)]
fn count(State(count): State<Cell<u32>>) {
    count.set(count.get() + 1);
}

fn main() {}
