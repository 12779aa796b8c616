//! Receivers with something of their own.

use futures_util::FutureExt;

use super::{Context, IntoOutcome, Outcome};

/// A receiver that is an object of yours, or an async function: for
/// [`connect_receiver`](crate::dispatch::Dispatcher::connect_receiver).
///
/// It may borrow from itself and from the context while it runs, across every `.await`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::dispatch::{Dispatcher, Receive};
/// use athm_core::{Amount, BoxError, Context, Sender, Signal, Status, Transaction};
///
/// struct Mailer {
///     from: String,
/// }
///
/// impl Receive for Mailer {
///     async fn receive(&self, context: &Context<'_>) -> Result<(), BoxError> {
///         println!("{}: thank you for {}", self.from, context.transaction().metadata_1());
///         Ok(())
///     }
/// }
///
/// async fn note(context: &Context<'_>) {
///     println!("{} by {}", context.signal(), context.sender());
/// }
///
/// let dispatcher = Dispatcher::empty();
/// dispatcher.connect_receiver("mailer", [Signal::Completed], Mailer { from: "shop@example.com".into() })?;
/// dispatcher.connect_receiver("note", Signal::ALL, note)?;
/// # let transaction = Transaction::builder(Status::Completed, Amount::from_cents(2500)).build();
/// # assert_eq!(dispatcher.dispatch(&transaction, Sender::CALLBACK).await.entries().len(), 3);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no receiver",
    label = "doesn't implement `Receive`",
    note = "implement `athm_core::dispatch::Receive` for it, or give an `async fn(&Context<'_>)`; a closure goes to `connect`"
)]
pub trait Receive: Send + Sync + 'static {
    /// Runs for a signal. Write it as an `async fn` that returns a `Result<(), BoxError>`: `?` takes any error.
    fn receive(&self, context: &Context<'_>) -> impl Future<Output = Outcome> + Send;
}

#[diagnostic::do_not_recommend]
impl<F> Receive for F
where
    F: for<'a> AsyncFunction<'a> + Send + Sync + 'static,
{
    fn receive(&self, context: &Context<'_>) -> impl Future<Output = Outcome> + Send {
        self.call(context).map(IntoOutcome::into_outcome)
    }
}

/// An async function of a context, for one lifetime of it: says of its future what `AsyncFn` can't.
pub trait AsyncFunction<'a> {
    type Future: Future<Output: IntoOutcome> + Send + 'a;

    fn call(&self, context: &'a Context<'a>) -> Self::Future;
}

impl<'a, F, Running> AsyncFunction<'a> for F
where
    F: Fn(&'a Context<'a>) -> Running,
    Running: Future<Output: IntoOutcome> + Send + 'a,
{
    type Future = Running;

    fn call(&self, context: &'a Context<'a>) -> Running {
        self(context)
    }
}
