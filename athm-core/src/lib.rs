//! Receivers for ATH Móvil payments: the part of athm that needs no web framework.
//!
//! Web applications depend on `athm-actix`, which re-exports this crate and mounts the routes that the provider's
//! messages come in on. Here is what they have in common with any other program:
//!
//! - [`receiver`]: the attribute that connects a function to [signals](Signal), and what it may ask for
//!   ([`FromContext`]).
//! - [`Athm`]: the handle. It takes messages in ([`receive`](Athm::receive)), asks the provider whether they are true,
//!   records what is new and has the receivers run.
//! - [`Transaction`], [`Status`], [`Amount`]: a payment, and how it moves from state to state.
//! - [`Dispatcher`]: signals without any of that, now and here, as Django's `send_robust`.
//! - [`provider`]: the client of the provider's API.
//! - [`guide`]: pages that explain it all from beginning to end; start with
//!   [Writing receivers](guide::writing_receivers).
//! - [`testing`]: sample payments, one receiver alone, a recorder: for your tests.
//!
//! ```standalone_crate
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use athm_core::{Athm, Callback, Receipt, Sender, Transaction, receiver};
//!
//! #[receiver(completed)]
//! fn fulfil(transaction: &Transaction) {
//!     println!("{} was paid: {}", transaction.metadata_1(), transaction.total());
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let database = format!("sqlite://{}", folder.path().join("athm.db").display());
//! let athm = Athm::builder().database_url(database).trust_callbacks().start().await?; // a test: nothing is verified
//! let body = br#"{"status": "completed", "referenceNumber": "12-ab", "total": "25.00", "metadata1": "order-7"}"#;
//! let callback = Callback::parse("application/json", body)?;
//!
//! assert_eq!(athm.receive(callback, Sender::CALLBACK, body.to_vec()).await?, Receipt::Recorded);
//! athm.idle().await; // `fulfil` has run
//! # athm.shutdown(std::time::Duration::from_secs(1)).await;
//! # Ok(()) }
//! ```

// Without a backend nothing is stored, and nothing reads what would be.
#![cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code, unused_variables, unused_imports))]

// What `#[receiver]` expands to names `::athm_core`, also within this crate.
extern crate self as athm_core;

mod amount;
mod asking;
mod athm;
mod callback;
mod clock;
mod counter;
mod delivery;
mod dispatch;
mod event;
pub mod guide;
mod id;
mod link;
mod operations;
mod permanent;
mod phone;
mod processor;
pub mod provider;
mod receiver;
mod reconcile;
mod sender;
mod signal;
mod store;
mod sweeper;
pub mod testing;
mod text;
mod transaction;
mod webhook_secret;

pub use athm_macros::receiver;

pub use self::amount::{Amount, AmountError};
pub use self::athm::{
    Athm, Builder, ConfigError, OperationError, RecordError, RefundResolution, Refunds, StartError, VerifyError,
};
pub use self::callback::{Callback, FieldError, ParseError};
pub use self::clock::Clock;
pub use self::delivery::{Deliveries, DeliveryRecord, DeliveryState, Replay, ReplayError, UnknownDeliveryState};
pub use self::dispatch::{
    AlreadyConnected, Connection, ConnectionGuard, Dispatcher, Failure, ReceiverInfo, ReceiverOptions, Report,
    ReportEntry,
};
pub use self::event::Event;
pub use self::id::{DeliveryId, EcommerceId, EventId, IdError, ReferenceNumber, RefundId, TransactionId};
pub use self::permanent::Permanent;
pub use self::phone::PhoneNumber;
pub use self::processor::Receipt;
pub use self::receiver::{
    Answer, BoxError, Context, Delivery, FromContext, IntoOutcome, MissingState, Receive, ReceiverError, Rejection,
    State, States,
};
pub use self::reconcile::{Difference, Differs, Missing, Progress, ReconcileError, Reconciled, Reconciliation};
pub use self::sender::Sender;
pub use self::signal::{Signal, UnknownSignal};
pub use self::store::{Cursor, Page, Recorded, SharedError, StoreError, TransactionQuery};
pub use self::transaction::{
    Customer, InvalidPayment, Item, NewPayment, NewRefund, Refund, RefundRecord, RefundState, Status, Transaction,
    TransactionBuilder, TransactionKind, Transition, UnexpectedTotal, UnknownRefundState,
};
pub use self::webhook_secret::{WebhookSecret, WebhookSecretError};

/// What `#[receiver]` expands to. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use core::result::Result::{Err, Ok};
    pub use core::{concat, module_path};
    pub use futures_util::future::BoxFuture;

    pub use crate::__register as register;
    pub use crate::Context;
    pub use crate::Signal;
    pub use crate::dispatch::index;
    pub use crate::receiver::{
        ATHM_RECEIVERS_V1, Call, Lent, Outcome, Parameter, Receiver, argument, boxed, outcome, parameter,
    };
}
