//! How much is read, kept or deleted at once, in both backends.

/// How many messages about payments that we don't know may be pending.
pub(super) const MAX_PENDING: u32 = 10_000;
/// Counts them, up to that many.
pub(super) const COUNT_PENDING: &str =
    "SELECT count(*) FROM (SELECT 1 FROM athm_inbox WHERE state = 'pending' LIMIT 10000) AS pending";
/// How many copies of messages one write deletes or updates at most, beside those that it stores.
pub(super) const MAX_UPDATED_COPIES: u32 = 500;
/// How long the list of stated refunds of a pending message grows, in characters. A refund that isn't added to a full list is
/// not lost: the payment is read again anyway.
pub(super) const MAX_STATED_REFUNDS: u32 = 4_000;
/// How many pending messages, and how many unresolved operations, are claimed at once.
pub(super) const MAX_CLAIMED: u32 = 64;
/// How many deliveries or refunds one list holds.
pub(super) const MAX_LISTED: u32 = 1_000;
/// How many rows of a kind one call of `prune` deletes, so that it holds up other writes for moments only.
pub(super) const MAX_PRUNED: u32 = 1_000;
/// The least number of candidates that a claim has of each receiver.
const MIN_CANDIDATES: usize = 8;

/// How many due deliveries of each receiver are candidates for a claim of `limit`: twice an equal share. A claim that finds too
/// few looks again, at more.
pub(super) fn candidates_of_each(limit: usize, receivers: usize) -> usize {
    (2 * limit.div_ceil(receivers.max(1))).max(MIN_CANDIDATES).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_twice_an_equal_share_of_each_receiver() {
        let found = [(256, 1), (256, 2), (256, 3), (256, 100), (256, 10_000), (4, 100), (0, 0)];
        let found = found.map(|(limit, receivers)| candidates_of_each(limit, receivers));
        assert_eq!(found, [256, 256, 172, 8, 8, 4, 0]);
    }
}
