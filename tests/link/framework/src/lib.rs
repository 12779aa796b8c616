//! A company's own framework, with athm in it.

pub use athm_core as payments;
