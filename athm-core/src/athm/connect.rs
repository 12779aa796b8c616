//! Receivers that are connected while athm runs.

use super::Athm;
use crate::dispatch::{AlreadyConnected, Connection};
use crate::models::Signal;
use crate::receiver::{Answer, Context, Receive, ReceiverOptions};

impl Athm {
    /// Connects a closure to signals, as [`Dispatcher::connect`](crate::Dispatcher::connect) does, while athm runs.
    ///
    /// It runs in this process only, for what is [dispatched](Self::dispatch) by hand: which receivers a payment is
    /// delivered to durably is settled as athm starts, with [`Builder::connect`](crate::Builder::connect). What still
    /// waits in the database for a receiver of this id, which was disconnected or is gone since an earlier start, it takes over.
    ///
    /// # Errors
    ///
    /// [`AlreadyConnected`] when a receiver with that id is there: it stays.
    pub fn connect<F, R, Time>(
        &self,
        options: impl Into<ReceiverOptions>,
        signals: impl Into<Vec<Signal>>,
        closure: F,
    ) -> Result<Connection, AlreadyConnected>
    where
        F: for<'a> Fn(&'a Context<'a>) -> R + Send + Sync + 'static,
        R: Answer<Time>,
    {
        self.0.worker.dispatcher.connect(options, signals, closure)
    }

    /// Connects an object that implements [`Receive`], or an async function, as [`connect`](Self::connect) does closures.
    ///
    /// # Errors
    ///
    /// [`AlreadyConnected`] when a receiver with that id is there: it stays.
    pub fn connect_receiver(
        &self,
        options: impl Into<ReceiverOptions>,
        signals: impl Into<Vec<Signal>>,
        receiver: impl Receive,
    ) -> Result<Connection, AlreadyConnected> {
        self.0.worker.dispatcher.connect_receiver(options, signals, receiver)
    }

    /// Disconnects a receiver in this process, linked ones too. `false` when there is none with that id.
    ///
    /// What is delivered durably stays recorded: a delivery to a receiver that was there as athm started waits for a
    /// process that has it, such as this one after its next start.
    #[must_use = "`false` says that there was no such receiver"]
    pub fn disconnect(&self, id: &str) -> bool {
        self.0.worker.dispatcher.disconnect(id)
    }
}
