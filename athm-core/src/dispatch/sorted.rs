//! The order of linked receivers, which no linker decides.

use crate::receiver::Receiver;

/// By `order`, then by place in the source, then by id.
pub(super) fn sorted(receivers: &'static [Receiver]) -> Vec<&'static Receiver> {
    let mut places = places(receivers);
    // Numbers alone, without a look at the receivers: that is what makes it quick.
    places.sort_unstable();
    let mut sorted: Vec<_> = places.iter().map(|place| &receivers[*place as u32 as usize]).collect();
    let is_same =
        |one: &&Receiver, other: &&Receiver| (one.line, one.order, one.file) == (other.line, other.order, other.file);
    for of_one_place in sorted.chunk_by_mut(is_same) {
        of_one_place.sort_unstable_by_key(|receiver| receiver.id);
    }
    sorted
}

/// Of each receiver its `order`, file, line and number in the list, as one number.
fn places(receivers: &'static [Receiver]) -> Vec<u128> {
    let mut files: Vec<&str> = Vec::new();
    for Receiver { file, .. } in receivers {
        if files.last().is_none_or(|last| !std::ptr::eq(*last, *file)) {
            files.push(file);
        }
    }
    files.sort_unstable();
    files.dedup();
    let mut last = ("", 0);
    let place = |(number, receiver): (usize, &'static Receiver)| {
        if !std::ptr::eq(last.0, receiver.file) {
            last = (receiver.file, files.partition_point(|file| *file < receiver.file));
        }
        let order = receiver.order.wrapping_sub(i32::MIN) as u32;
        let (order, file, line) = (u128::from(order), last.1 as u128, u128::from(receiver.line));
        order << 96 | file << 64 | line << 32 | number as u128
    };
    receivers.iter().enumerate().map(place).collect()
}
