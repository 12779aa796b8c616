//! In which order the writes of a batch are executed.

use std::collections::HashMap;

use super::job::{About, Job};
use super::queue::Waiting;

/// In groups that are executed one after another: what is about the same comes in its order, and each group is sorted,
/// so that processes lock rows in one order.
pub(super) fn waves(writes: &mut [Waiting]) -> Vec<Vec<&mut Job>> {
    let mut waves: Vec<Vec<(String, &mut Job)>> = Vec::new();
    let mut last = HashMap::<String, usize>::new();
    let mut first_free = 0;
    for write in writes {
        let (wave, name) = match write.job.about() {
            About::These(names) => {
                let wave =
                    names.iter().filter_map(|name| last.get(name).map(|last| last + 1)).fold(first_free, usize::max);
                let name = names.first().cloned().unwrap_or_default();
                last.extend(names.into_iter().map(|name| (name, wave)));
                (wave, name)
            }
            About::Everything => {
                let wave = waves.len();
                first_free = wave + 1;
                (wave, String::new())
            }
        };
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        waves[wave].push((name, &mut write.job));
    }
    let sorted = waves.into_iter().map(|mut wave| {
        wave.sort_by(|(one, _), (other, _)| one.cmp(other));
        wave.into_iter().map(|(_, job)| job).collect()
    });
    sorted.collect()
}
