//! The error of connecting an id that is taken.

/// A receiver with that id is there already.
///
/// ```
/// use athm_core::Signal;
/// use athm_core::dispatch::Dispatcher;
///
/// let dispatcher = Dispatcher::empty();
/// dispatcher.connect("print", [Signal::Completed], |_| ())?;
/// let error = dispatcher.connect("print", [Signal::Expired], |_| ()).unwrap_err();
/// assert_eq!(error.id(), "print");
/// # Ok::<(), athm_core::errors::AlreadyConnected>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a receiver with the id {id:?} is connected already: choose another, or disconnect that one first")]
pub struct AlreadyConnected {
    pub(super) id: String,
}

impl AlreadyConnected {
    /// The id that is taken.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
