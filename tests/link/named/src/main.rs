//! Says that it wants the receivers of `handlers`, and nothing else of it.

athm_core::link!(handlers);

fn main() {
    listing::print();
}
