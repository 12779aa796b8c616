//! When a receiver ends: at once, or later.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{IntoOutcome, Outcome};

/// The result of calling a receiver.
pub enum Answered<'a> {
    /// It has run to its end.
    Now(Outcome),
    /// It is a future that has yet to run.
    Later(BoxFuture<'a, Outcome>),
}

/// What a connected closure may return: what a function with `#[receiver]` may, or a future of it.
///
/// `Time` distinguishes the two and is always inferred. The future can't borrow from the context: what it needs is
/// cloned, as [`Dispatcher::connect`](crate::dispatch::Dispatcher::connect) shows.
///
/// ```
/// use athm_core::Signal;
/// use athm_core::dispatch::Dispatcher;
///
/// let dispatcher = Dispatcher::empty();
/// dispatcher.connect("nothing", [Signal::Completed], |_| ())?;
/// dispatcher.connect("a result", [Signal::Completed], |_| Err("out of stock"))?;
/// dispatcher.connect("a future", [Signal::Completed], |_| async { Err("out of stock") })?;
/// # Ok::<(), athm_core::errors::AlreadyConnected>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a connected closure can't return `{Self}`",
    label = "returns `{Self}`",
    note = "it returns nothing, or `Result<(), E>` where `E` is an error, or a future of one of these that is `Send` and \
            borrows nothing"
)]
pub trait Answer<Time> {
    #[doc(hidden)]
    fn answered(self) -> Answered<'static>;
}

/// A receiver that ends when it returns.
#[derive(Debug)]
pub enum Now {}

/// A receiver that ends when the future that it returns does.
#[derive(Debug)]
pub enum Later {}

impl<T: IntoOutcome> Answer<Now> for T {
    fn answered(self) -> Answered<'static> {
        Answered::Now(self.into_outcome())
    }
}

impl<T> Answer<Later> for T
where
    T: Future<Output: IntoOutcome> + Send + 'static,
{
    fn answered(self) -> Answered<'static> {
        Answered::Later(self.map(IntoOutcome::into_outcome).boxed())
    }
}
