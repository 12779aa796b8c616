//! The guide: pages to be read from beginning to end.
//!
//! Those that need no web framework are athm-core's.

pub use athm_core::guide::*;

#[cfg(feature = "checkout")]
#[doc = include_str!("taking_a_payment.md")]
pub mod taking_a_payment {}
