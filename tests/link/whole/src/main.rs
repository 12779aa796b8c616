//! All the ways to come by the attribute, in one program.

athm_actix::link!(handlers, on_actix, on_framework, renamed);

fn main() {
    listing::print();
}
