//! Work that runs to its end, whether or not its caller waits for it.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, CatchUnwind};

use super::runtimes::Background;
use crate::util::contain::panic_message;

/// Polls work in its caller's task, which saves two switches between threads. A caller that is dropped before the work has
/// ended leaves the rest of it to the background runtime.
///
/// Wherever it is polled, its timers and connections are those of the background runtime: the runtime of a caller, a worker
/// of actix for example, may end before the work does.
pub(super) struct RunToEnd<T: Send + 'static> {
    /// `None` once it has ended.
    work: Option<CatchUnwind<AssertUnwindSafe<BoxFuture<'static, T>>>>,
    background: Background,
}

impl<T: Send + 'static> RunToEnd<T> {
    pub(super) fn new(work: BoxFuture<'static, T>, background: Background) -> Self {
        Self { work: Some(AssertUnwindSafe(work).catch_unwind()), background }
    }
}

/// `None` if the runtime was stopped before the end, or the work panicked.
impl<T: Send + 'static> Future for RunToEnd<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { work, background } = &mut *self;
        let Some(running) = work else { return Poll::Ready(None) };
        // The timers of a runtime that was stopped panic.
        if background.is_stopped.load(Ordering::Acquire) {
            *work = None;
            return Poll::Ready(None);
        }
        let _runtime = background.handle.enter();
        let Poll::Ready(ended) = running.poll_unpin(context) else { return Poll::Pending };
        *work = None;
        Poll::Ready(ended.map_err(panic_message).ok())
    }
}

impl<T: Send + 'static> Drop for RunToEnd<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.background.handle.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::oneshot;
    use tokio::time::sleep;

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    fn background(runtime: &Runtime) -> Background {
        Background { handle: runtime.handle().clone(), is_stopped: Arc::default() }
    }

    fn run<T: Send + 'static>(
        background_runtime: &Runtime,
        work: impl Future<Output = T> + Send + 'static,
    ) -> RunToEnd<T> {
        RunToEnd::new(work.boxed(), background(background_runtime))
    }

    #[test]
    fn work_has_the_timers_of_the_background_runtime_wherever_it_is_polled() {
        let background_runtime = runtime();
        let without_timers = Builder::new_current_thread().build().unwrap();
        let work = run(&background_runtime, async { sleep(Duration::from_millis(1)).await });
        assert_eq!(without_timers.block_on(work), Some(()));
    }

    #[test]
    fn work_goes_on_when_its_caller_is_dropped() {
        let background_runtime = runtime();
        let ((go_on, wait), (ended, end)) = (oneshot::channel::<()>(), oneshot::channel());
        let mut work = run(&background_runtime, async move {
            wait.await.unwrap();
            ended.send(7).unwrap();
        });
        assert!((&mut work).now_or_never().is_none());
        drop(work);
        go_on.send(()).unwrap();
        assert_eq!(end.blocking_recv(), Ok(7));
    }

    #[test]
    fn work_that_panics_leaves_its_caller_alive() {
        let background_runtime = runtime();
        assert_eq!(run(&background_runtime, async { panic!("out of stock") }).now_or_never(), Some(None::<()>));
    }

    #[test]
    fn work_ends_without_a_result_once_the_runtime_is_stopped() {
        let background_runtime = runtime();
        let background = background(&background_runtime);
        let mut work = RunToEnd::new(async { sleep(Duration::from_secs(3600)).await }.boxed(), background.clone());
        assert!((&mut work).now_or_never().is_none());
        background.is_stopped.store(true, Ordering::Release);
        background_runtime.shutdown_background();
        assert_eq!(work.now_or_never(), Some(None));
    }
}
