//! In which order the writes of a batch are executed.

use std::collections::HashMap;

use super::job::{ConflictKeys, Job};
use super::queue::PendingWrite;

/// In groups that are executed one after another: what is about the same comes in its order, and each group is sorted,
/// so that processes lock rows in one order.
pub(super) fn conflict_free_groups(writes: &mut [PendingWrite]) -> Vec<Vec<&mut Job>> {
    let mut groups: Vec<Vec<(String, &mut Job)>> = Vec::new();
    let mut last = HashMap::<String, usize>::new();
    let mut first_free = 0;
    for write in writes {
        let (group, name) = match write.job.conflict_keys() {
            ConflictKeys::These(names) => {
                let group =
                    names.iter().filter_map(|name| last.get(name).map(|last| last + 1)).fold(first_free, usize::max);
                let name = names.first().cloned().unwrap_or_default();
                last.extend(names.into_iter().map(|name| (name, group)));
                (group, name)
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
        groups[group].push((name, &mut write.job));
    }
    let sorted = groups.into_iter().map(|mut group| {
        group.sort_by(|(one, _), (other, _)| one.cmp(other));
        group.into_iter().map(|(_, job)| job).collect()
    });
    sorted.collect()
}
