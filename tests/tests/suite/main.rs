//! The behaviour of athm, from the outside.

mod callbacks;
mod dispatch;
mod http;
mod operations;
mod provider;
mod start;
mod storage;
mod verification;
