//! The behaviour of athm, from the outside.

mod callbacks;
mod start;
mod storage;
