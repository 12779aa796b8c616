//! What a receiver runs with.

use std::sync::Arc;

use super::{Delivery, ReceiverInfo, States};
use crate::models::{Event, Refund, Sender, Signal, Transaction};

/// Everything that a receiver can ask for while it runs: its parameters are taken from here.
///
/// ```
/// use athm_core::Signal;
/// use athm_core::dispatch::Dispatcher;
///
/// let dispatcher = Dispatcher::empty();
/// dispatcher.connect("print", Signal::ALL, |context| {
///     println!("{}: {} by {}", context.signal(), context.transaction().total(), context.sender());
/// })?;
/// # Ok::<(), athm_core::errors::AlreadyConnected>(())
/// ```
// Two pointers: it is made anew for each receiver, and moves into the future of each async one.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub(crate) signal_context: &'a SignalContext<'a>,
    pub(crate) receiver: &'a ReceiverInfo,
}

/// A signal, and all that it brings: the same for each of its receivers.
#[derive(Debug)]
pub(crate) struct SignalContext<'a> {
    pub(crate) transaction: &'a Transaction,
    pub(crate) signal: Signal,
    pub(crate) sender: &'a Sender,
    pub(crate) states: &'a Arc<States>,
    /// `None` in a dispatch by hand, which records no event.
    pub(crate) event: Option<&'a Event>,
    /// `None` in a dispatch by hand.
    pub(crate) delivery: Option<&'a Delivery>,
}

impl<'a> Context<'a> {
    /// The transaction that the signal is about.
    #[must_use]
    pub fn transaction(&self) -> &'a Transaction {
        self.signal_context.transaction
    }

    /// The signal that fired.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.signal_context.signal
    }

    /// The source that reported it first.
    #[must_use]
    pub fn sender(&self) -> &'a Sender {
        self.signal_context.sender
    }

    /// The refund that the signal is about: of `refunded`, and of a `received` for the same reason. `None` when something
    /// else happened, and in a dispatch by hand, which knows the transaction alone.
    #[must_use]
    pub fn refund(&self) -> Option<&'a Refund> {
        self.event()?.transition().refund()
    }

    /// The event that the signal is about; `None` in a dispatch by hand, which records none.
    #[must_use]
    pub fn event(&self) -> Option<&'a Event> {
        self.signal_context.event
    }

    /// The states given to the builder.
    #[must_use]
    pub fn states(&self) -> &'a States {
        self.signal_context.states
    }

    /// The id of the receiver that runs.
    #[must_use]
    pub fn receiver(&self) -> &'a str {
        self.receiver.id()
    }
}
