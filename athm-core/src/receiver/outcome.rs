//! What a receiver may return.

/// Any error that a receiver may return.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a receiver ended, panics aside.
pub type Outcome = Result<(), BoxError>;

/// A type that a receiver may return: `()`, or a `Result<(), E>` of any [`ReceiverError`].
///
/// ```
/// use athm_core::receiver;
///
/// #[receiver(completed)]
/// fn returns_nothing() {}
///
/// #[receiver(completed)]
/// fn returns_a_result() -> Result<(), std::num::ParseIntError> {
///     "7".parse::<u32>().map(drop)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a receiver can't return `{Self}`",
    label = "a receiver can't return this",
    note = "a receiver returns nothing, or `Result<(), E>` where `E` is an error; instead of a future, write `async fn`"
)]
pub trait IntoOutcome {
    /// The outcome.
    ///
    /// # Errors
    ///
    /// What the receiver returned as one.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Ok(())
    }
}

impl<E: ReceiverError> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Outcome {
        self.map_err(ReceiverError::into_boxed)
    }
}

/// An error that a receiver may return: whatever converts into a [`BoxError`], as every `Error + Send + Sync` and
/// every string does.
///
/// ```
/// use athm_core::{BoxError, receiver};
///
/// #[receiver(completed)]
/// fn returns_any_error() -> Result<(), BoxError> {
///     Err("out of stock".into())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a receiver can't return the error `{Self}`",
    label = "`{Self}` is no `Error + Send + Sync`",
    note = "implement `std::error::Error` for it, or return `Result<(), BoxError>`, or a text as the error"
)]
pub trait ReceiverError {
    /// The error, boxed.
    fn into_boxed(self) -> BoxError;
}

// The diagnostic names what the error lacks, not the conversions that need it.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> ReceiverError for E {
    fn into_boxed(self) -> BoxError {
        self.into()
    }
}
