//! Calling one receiver, isolated.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::{Answered, Context, Failure, ReceiverInfo};

/// Calls a receiver; a panic becomes its failure.
pub(crate) async fn call(receiver: &ReceiverInfo, context: &Context<'_>) -> Result<(), Failure> {
    let called = async {
        match receiver.call(context) {
            Answered::Now(outcome) => outcome,
            Answered::Later(future) => future.await,
        }
    };
    match AssertUnwindSafe(called).catch_unwind().await {
        Ok(outcome) => outcome.map_err(Failure::Error),
        Err(panic) => Err(Failure::panicked(panic)),
    }
}
