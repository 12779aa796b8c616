//! The guide: pages to be read from beginning to end.

#[doc = include_str!("docs/writing_receivers.md")]
pub mod writing_receivers {}

#[doc = include_str!("docs/what_is_promised.md")]
pub mod what_is_promised {}

#[doc = include_str!("docs/verification_and_security.md")]
pub mod verification_and_security {}

#[doc = include_str!("docs/refunds.md")]
pub mod refunds {}

#[doc = include_str!("docs/on_several_machines.md")]
pub mod on_several_machines {}

#[doc = include_str!("docs/reconciliation.md")]
pub mod reconciliation {}
