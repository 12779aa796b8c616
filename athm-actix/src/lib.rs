//! ATH Móvil payments on actix-web: mount one service, and your `#[receiver]` functions run when a payment is completed,
//! cancelled, expired or refunded.
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
//!     let athm = Athm::builder().env()?.start().await?;
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
//! - [`dispatch`], [`deliveries`], [`refunds`], [`reconcile`], [`transactions`]: signals by hand, and what is recorded.
//! - [`checkouts`]: what a customer is asked to pay on a page, and with the feature `checkout` the page itself.
//! - [`messages`]: what was posted, as it came.
//! - [`problems`]: what needs a person, of every sort.
//! - [`sql`]: what commits with a database transaction of your own.
//! - [`errors`], [`ids`], [`provider`]: the error types, the id types, and the client of the provider's API.
//! - [`testing`]: sample payments, one receiver alone, a recorder: for your tests.
//!
//! A `main` that returns an error prints its `Debug`, which is hard to read, and without a `tracing` subscriber there is no
//! log. The first program of the README, `examples/hello.rs`, has both in the form that production needs.
//!
//! The crate `athm-simulator` stands in for the provider in your tests: one dev-dependency.

// What `#[receiver]` expands to names `::athm_actix`, also within this crate's own examples.
extern crate self as athm_actix;

mod arrived;
mod callback;
#[cfg(feature = "checkout")]
mod checkout;
mod error;
pub mod guide;
mod handlers;
mod scope;

pub use athm_core::{
    Amount, Athm, AthmBuilder, BoxError, Context, Customer, Delivery, FromContext, Item, Message, MessageResult,
    NewPayment, NewRefund, Permanent, PhoneNumber, Refund, Rejection, RetryAfter, Sender, Signal, State, Status,
    Transaction, TransactionKind, UnexpectedTotal, WebhookSecret, link,
};
pub use athm_core::{
    deliveries, dispatch, errors, ids, jiff, messages, problems, provider, reconcile, refunds, secrecy, sql, testing,
    transactions,
};

/// Checkouts: what a customer is asked to pay on a page, and how that stands ([`Athm::checkout`]). With the feature
/// `checkout`, also the page itself.
pub mod checkouts {
    pub use athm_core::checkouts::{
        Checkout, CheckoutError, CheckoutId, CheckoutState, Checkouts, InvalidCheckout, Language, NewCheckout,
        PayCheckout,
    };

    #[cfg(feature = "checkout")]
    pub use crate::checkout::{ButtonTheme, CheckoutButton, CheckoutOptions, CustomerText, UnknownTheme, qr_code};
}

pub use self::callback::{Callback, CallbackConfig};
#[cfg(feature = "checkout")]
pub use self::checkout::checkout_button;
pub use self::error::Error;
pub use self::scope::{Scope, scope};

// One of its own, which looks for this crate first in the user's Cargo.toml.
#[doc(hidden)]
pub use athm_core::__private;
#[doc(inline)]
pub use athm_core::__private::actix_receiver as receiver;
