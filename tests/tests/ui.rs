//! What the compiler says about a wrong `#[receiver]`, and that right ones compile.
//!
//! The expected words are those of the toolchain in rust-toolchain.toml. When it moves on, or a message is changed, run
//! `TRYBUILD=overwrite cargo test -p athm-tests --test ui`, and read the difference before it is committed.

#[test]
fn wrong_receivers_are_explained() {
    let cases = trybuild::TestCases::new();
    for area in ["connecting", "items", "options", "parameters", "returns", "several", "signals", "signatures"] {
        cases.compile_fail(format!("ui/{area}/*.rs"));
    }
    cases.pass("ui/pass/*.rs");
}
