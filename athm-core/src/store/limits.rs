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
