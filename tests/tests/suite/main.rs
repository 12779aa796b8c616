//! The behaviour of athm, from the outside.

mod callbacks;
mod operations;
mod start;
mod storage;
mod verification;
