//! The guide: pages to be read from beginning to end.

#[doc = include_str!("docs/what_is_promised.md")]
pub mod what_is_promised {}
