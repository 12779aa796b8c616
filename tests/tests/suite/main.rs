//! The behaviour of athm, from the outside.

mod callbacks;
mod delivery;
mod dispatch;
mod http;
mod inbox;
mod operations;
mod provider;
mod start;
mod storage;
mod testing;
mod verification;
