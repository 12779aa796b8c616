//! Receivers that are connected while athm runs.

use super::Athm;
use crate::dispatch::Connection;
use crate::dispatch::already_connected::AlreadyConnected;
use crate::models::Signal;
use crate::receiver::{Answer, Context, Receive, ReceiverOptions};

impl Athm {
    /// Connects a closure for dispatches by hand, in this process only: nothing is delivered to it durably.
    ///
    /// It runs for what [`dispatch`](Self::dispatch) sends, until it is disconnected or the process ends. The receivers of
    /// durable delivery are fixed at start: connect those with [`AthmBuilder::connect`](crate::AthmBuilder::connect). One
    /// exception: stored deliveries that name this id, from an earlier start, are delivered to it.
    ///
    /// ```standalone_crate
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let database = format!("sqlite://{}", folder.path().join("athm.db").display());
    /// use athm_core::{Athm, Sender, Signal, Transaction};
    ///
    /// let athm = Athm::builder().database_url(database).trust_callbacks().start().await?;
    /// athm.connect_local("print", [Signal::Completed], |context| println!("{}", context.transaction().total()))?;
    ///
    /// let paid = Transaction::sample().completed().build();
    /// let report = athm.dispatch(&paid, Sender::new("by hand")).await;
    /// assert_eq!(report.entries().len(), 1);
    /// # athm.shutdown(std::time::Duration::ZERO).await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AlreadyConnected`] when a receiver with that id is there: it stays.
    pub fn connect_local<F, R, Time>(
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

    /// Connects an object that implements [`Receive`], or an async function, for dispatches by hand, as
    /// [`connect_local`](Self::connect_local) connects closures: nothing is delivered to it durably.
    ///
    /// # Errors
    ///
    /// [`AlreadyConnected`] when a receiver with that id is there: it stays.
    pub fn connect_receiver_local(
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
