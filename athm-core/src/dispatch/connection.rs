//! A receiver that was connected at run time.

use std::sync::Weak;

use super::receivers::Receivers;
use crate::receiver::Connected;

/// A receiver that was connected at run time: it stays so when this is dropped.
///
/// ```
/// # use athm_core::dispatch::Dispatcher;
/// # use athm_core::Signal;
/// let dispatcher = Dispatcher::empty();
/// let connection = dispatcher.connect("print", [Signal::Completed], |_| ())?;
/// assert!(connection.disconnect());
///
/// {
///     let _guard = dispatcher.connect("print", [Signal::Completed], |_| ())?.disconnect_on_drop();
///     assert!(dispatcher.has_receivers(Signal::Completed));
/// }
/// assert!(!dispatcher.has_receivers(Signal::Completed));
/// # Ok::<(), athm_core::errors::AlreadyConnected>(())
/// ```
// Both weak: the receiver itself may hold its own connection.
#[derive(Clone)]
pub struct Connection {
    pub(super) receivers: Weak<Receivers>,
    pub(super) connected: Weak<Connected>,
}

impl Connection {
    /// Disconnects this receiver. `false` when it was disconnected already, even if another receiver has its id now.
    pub fn disconnect(&self) -> bool {
        let (Some(receivers), Some(connected)) = (self.receivers.upgrade(), self.connected.upgrade()) else {
            return false;
        };
        receivers.remove(connected.id(), |receiver| receiver.is_connected_as(|other| std::ptr::eq(other, &*connected)))
    }

    /// Disconnects the receiver when the guard is dropped.
    pub fn disconnect_on_drop(self) -> ConnectionGuard {
        ConnectionGuard(self)
    }
}

/// Disconnects a receiver when it is dropped. See [`Connection::disconnect_on_drop`].
///
/// ```
/// use athm_core::Signal;
/// use athm_core::dispatch::Dispatcher;
///
/// let dispatcher = Dispatcher::empty();
/// let guard = dispatcher.connect("print", [Signal::Completed], |_| ())?.disconnect_on_drop();
/// drop(guard);
/// assert!(!dispatcher.has_receivers(Signal::Completed));
/// # Ok::<(), athm_core::errors::AlreadyConnected>(())
/// ```
#[derive(Debug)]
#[must_use = "the receiver is disconnected when this is dropped: keep it in a variable, such as `_guard`"]
pub struct ConnectionGuard(Connection);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.disconnect();
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
