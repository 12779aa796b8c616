//! Calling one receiver, with its panics contained.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Answered, Context, Failure, Outcome, ReceiverInfo};
use crate::util::contain::drop_contained;

/// Calls a receiver. A panic becomes its failure, whether the receiver panics as it is called, polled or dropped.
pub(crate) async fn call(receiver: &ReceiverInfo, context: &Context<'_>) -> Result<(), Failure> {
    match catch_unwind(AssertUnwindSafe(|| receiver.call(context))) {
        Ok(Answered::Now(outcome)) => outcome.map_err(Failure::Error),
        Ok(Answered::Later(future)) => Contained::new(future).await,
        Err(panic) => Err(Failure::panicked(panic)),
    }
}

/// A receiver's future whose panics stay inside. It is dropped as soon as it has ended, and may panic in that as well: a tokio
/// runtime that is held across an `.await` does when its receiver's timeout drops it.
pub(crate) struct Contained<'a>(Option<BoxFuture<'a, Outcome>>);

impl<'a> Contained<'a> {
    pub(crate) fn new(future: BoxFuture<'a, Outcome>) -> Self {
        Self(Some(future))
    }

    /// Drops the future. One that is gone needs no catch: that would cost each receiver a tenth more.
    #[inline]
    fn end(&mut self) {
        if let Some(future) = self.0.take() {
            drop_contained(future);
        }
    }
}

impl Future for Contained<'_> {
    type Output = Result<(), Failure>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        // A future that has ended is gone; polling it again would be a bug of the caller's, and never ends.
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let result = match catch_unwind(AssertUnwindSafe(|| future.poll_unpin(task))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome.map_err(Failure::Error),
            Err(panic) => Err(Failure::panicked(panic)),
        };
        self.end();
        Poll::Ready(result)
    }
}

impl Drop for Contained<'_> {
    #[inline]
    fn drop(&mut self) {
        self.end();
    }
}
