//! ATH Móvil payments on actix-web: mount one service, and your `#[receiver]` functions run when a payment is completed,
//! cancelled or expired.
//!
//! ```no_run
//! use actix_web::{App, HttpServer};
//! use athm_actix::{Athm, Transaction, receiver};
//!
//! #[receiver(completed)]
//! async fn fulfil(transaction: &Transaction) -> Result<(), std::io::Error> {
//!     println!("{} was paid: {}", transaction.metadata_1(), transaction.total());
//!     Ok(())
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let athm = Athm::builder().from_env()?.start().await?;
//!     let service = athm.clone();
//!     HttpServer::new(move || App::new().service(athm_actix::scope("/athm", &service)))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await?;
//!     athm.shutdown(std::time::Duration::from_secs(10)).await;
//!     Ok(())
//! }
//! ```
//!
//! - [`receiver`]: the attribute, and what a receiver may ask for.
//! - [`scope`]: the routes, and how to put a callback of your own in the place of the default one.
//! - [`Callback`]: the extractor for callbacks of your own, and [`Error`], what they may return.
//! - [`Athm`]: the handle, for everything else.
//! - [`guide`]: pages that explain it all from beginning to end; start with
//!   [Writing receivers](guide::writing_receivers).
//! - [`testing`]: sample payments, one receiver alone, a recorder: for your tests.
//!
//! The crate `athm-simulator` stands in for the provider in your tests: one dev-dependency.

// What `#[receiver]` expands to names `::athm_actix`, also within this crate's own examples.
extern crate self as athm_actix;

mod callback;
mod error;
mod handlers;
mod scope;

pub use athm_core::{
    AlreadyConnected, Amount, AmountError, Answer, Athm, BoxError, Builder, Clock, ConfigError, Connection,
    ConnectionGuard, Context, Cursor, Customer, Deliveries, Delivery, DeliveryId, DeliveryRecord, DeliveryState,
    Difference, Differs, Dispatcher, EcommerceId, Event, EventId, Failure, FieldError, FromContext, IdError,
    IntoOutcome, InvalidPayment, InvalidRefund, Item, MessageResult, Missing, MissingState, NewPayment, NewRefund,
    OperationError, Page, ParseError, Permanent, PhoneNumber, Progress, Receive, ReceiverError, ReceiverInfo,
    ReceiverOptions, ReconcileError, Reconciled, Reconciliation, RecordError, Recorded, ReferenceNumber, Refund,
    RefundId, RefundRecord, RefundResolution, RefundState, Refunds, Rejection, Replay, ReplayError, Report,
    ReportEntry, Sender, SharedError, Signal, StartError, State, States, Status, StoreError, Transaction,
    TransactionBuilder, TransactionId, TransactionKind, TransactionQuery, Transition, UnexpectedTotal,
    UnknownDeliveryState, UnknownRefundState, UnknownSignal, VerifyError, WebhookSecret, WebhookSecretError, guide,
    link, provider, receiver, testing,
};

pub use self::callback::{Callback, CallbackConfig};
pub use self::error::Error;
pub use self::scope::{Scope, scope};

#[doc(hidden)]
pub use athm_core::__private;
