//! The order of linked receivers, which no linker decides.

use crate::receiver::Receiver;

/// By `order`, then by place in the source, then by id.
pub(super) fn sorted(receivers: &'static [Receiver]) -> Vec<&'static Receiver> {
    let mut sorted: Vec<_> = receivers.iter().collect();
    sorted.sort_unstable_by_key(|receiver| (receiver.order, receiver.file, receiver.line, receiver.id));
    sorted
}
