//! The guide: pages to be read from beginning to end.

#[doc = include_str!("writing_receivers.md")]
pub mod writing_receivers {}

#[doc = include_str!("receivers_in_depth.md")]
pub mod receivers_in_depth {}

#[doc = include_str!("what_is_promised.md")]
pub mod what_is_promised {}

// Its examples need every driver.
#[cfg_attr(
    all(feature = "sqlx-postgres", feature = "sqlx-sqlite"),
    doc = include_str!("exactly_once.md")
)]
#[cfg_attr(
    not(all(feature = "sqlx-postgres", feature = "sqlx-sqlite")),
    doc = "A receiver's own rows commit with its delivery: build the documentation with all features to read this page."
)]
pub mod exactly_once {}

#[doc = include_str!("tables.md")]
pub mod tables {}

#[doc = include_str!("verification_and_security.md")]
pub mod verification_and_security {}

#[doc = include_str!("messages.md")]
pub mod messages {}

#[doc = include_str!("refunds.md")]
pub mod refunds {}

#[doc = include_str!("on_several_machines.md")]
pub mod on_several_machines {}

#[doc = include_str!("performance.md")]
// Copied from target/bench, where the benchmark draws it, with the table of the page. Rustdoc ends it at an empty line.
#[doc = include_str!("delivered.svg")]
pub mod performance {}

#[doc = include_str!("reconciliation.md")]
pub mod reconciliation {}
