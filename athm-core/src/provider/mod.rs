//! The provider's API: typed calls, typed errors.
//!
//! Evertec publishes it in three repositories: athmovil-javascript-api, ATHM-Payment-Button-API and athmovil-webhooks.
//! There is no sandbox; the crate `athm-simulator` stands in for it.
//!
//! Requests are checked before they leave. What reads (`find`, `search`, `report`) is sent again when no answer came;
//! what moves money or changes a payment is sent once, and its error says whether it may have happened all the same:
//! [`ProviderError::is_outcome_unknown`].

mod alarm;
mod answer;
mod builder;
mod call;
mod client;
mod code;
mod customer_message;
mod entry;
mod error;
mod refund;
mod report;
mod search;
mod webhook;

#[cfg(fuzzing)]
pub use self::answer::read_as_every_answer;
pub use self::builder::{BuildError, ClientBuilder};
pub use self::client::{Client, CreatedPayment};
pub use self::code::{ErrorCode, ErrorKind};
pub use self::error::{InvalidRequest, ProviderError};
pub use self::refund::{RefundRequest, Refunded};
pub use self::search::Search;
pub use self::webhook::{WebhookEvent, WebhookSubscription};
pub use crate::models::Language;
