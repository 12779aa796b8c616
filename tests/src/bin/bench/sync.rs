//! How long the disk takes for one commit.

use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How often it is measured, to take the middle.
const TIMES: usize = 100;
/// About what a callback's commit writes.
const WRITTEN: [u8; 12 * 1024] = [7; 12 * 1024];

/// How long it takes until one write at the end of a file has reached the disk.
pub(crate) fn measure() -> io::Result<Duration> {
    let mut file = tempfile::tempfile()?;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let start = Instant::now();
        file.write_all(&WRITTEN)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[TIMES / 2])
}
