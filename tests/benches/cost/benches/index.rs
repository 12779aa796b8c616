//! The index over 4,000 linked receivers, made anew each time.

use athm_core::__private::index;

include!(concat!(env!("OUT_DIR"), "/receivers.rs"));

fn main() {
    let mut criterion = cost::criterion();
    assert_eq!(index(), 4_000);
    criterion.bench_function("index-4000", |bencher| bencher.iter(index));
    criterion.final_summary();
}
