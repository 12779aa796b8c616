//! The order in which the writes of a batch are executed.
//!
//! Writes of a batch are executed concurrently as far as they can be: pipelined, and frequent kinds by one statement. Two
//! writes of the same payment must keep their order, though. So the batch is split into groups that are executed one
//! after another, and within a group no two writes have a conflict key in common.
//!
//! Example, with the keys of each write: `a`, `b`, `a c`, `c`, everything, `b`. The groups are [`a`, `b`], [`a c`], [`c`],
//! [everything], [`b`].
//!
//! Within a group, writes are sorted by key: processes then lock rows in one order, and rarely deadlock. Where they do,
//! the server ends one of the transactions, and its batch is tried again.

use std::collections::HashMap;

use super::queue::PendingWrite;
use super::queued_write::AnyWrite;
use super::request::ConflictKeys;

pub(super) fn conflict_free_groups(writes: &mut [PendingWrite]) -> Vec<Vec<&mut AnyWrite>> {
    let mut groups: Vec<Vec<(String, &mut AnyWrite)>> = Vec::new();
    // The last group that has a write with this key.
    let mut last = HashMap::<String, usize>::new();
    // The first group behind the last write that conflicts with everything.
    let mut first_free = 0;
    for pending in writes {
        let (group, key) = match pending.write.conflict_keys() {
            ConflictKeys::These(keys) => {
                let group =
                    keys.iter().filter_map(|key| last.get(key).map(|last| last + 1)).fold(first_free, usize::max);
                let key = keys.first().cloned().unwrap_or_default();
                last.extend(keys.into_iter().map(|key| (key, group)));
                (group, key)
            }
            ConflictKeys::Everything => {
                let group = groups.len();
                first_free = group + 1;
                (group, String::new())
            }
        };
        if groups.len() <= group {
            groups.resize_with(group + 1, Vec::new);
        }
        groups[group].push((key, &mut pending.write));
    }
    let sorted = groups.into_iter().map(|mut group| {
        group.sort_by(|(one, _), (other, _)| one.cmp(other));
        group.into_iter().map(|(_, write)| write).collect()
    });
    sorted.collect()
}
