//! Depends on `handlers` in Cargo.toml, and names it nowhere.

fn main() {
    listing::print();
}
