//! What a receiver may return.

/// Any error that a receiver may return.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a receiver ended, panics aside.
pub type Outcome = Result<(), BoxError>;

/// A type that a receiver may return: `()`, or a `Result<(), E>` of any error that boxes.
#[diagnostic::on_unimplemented(
    message = "a receiver can't return `{Self}`",
    label = "a receiver can't return this",
    note = "a receiver returns `()` or `Result<(), E>`, where `E` is any `Error + Send + Sync` (or converts into a boxed one)"
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

impl<E: Into<BoxError>> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Outcome {
        self.map_err(Into::into)
    }
}
