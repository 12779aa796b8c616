//! Lists are read a page at a time: one row more than a page holds, which shows whether another page follows.

/// Leaves a page of the rows that were read. `damaged` are those that couldn't be. Returns the last row if another page
/// follows: that page begins after it.
pub(super) fn cut<T>(rows: &mut Vec<T>, damaged: usize, size: u32) -> Option<&T> {
    let size = size as usize;
    let has_more = rows.len() + damaged > size;
    rows.truncate(size);
    rows.last().filter(|_| has_more)
}
