//! All the ways to come by the attribute, in one program.

athm_actix::link!(
    actix_in_tests,
    core_elsewhere,
    core_in_tests,
    core_optional,
    handlers,
    on_actix,
    on_framework,
    renamed,
);

fn main() {
    listing::print();
}
