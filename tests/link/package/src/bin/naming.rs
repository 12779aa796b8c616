//! Names its own library.

athm_core::link!(package);

fn main() {
    listing::print();
}
