//! The provider's API: typed calls, typed errors.
//!
//! Evertec publishes it in three repositories: athmovil-javascript-api, ATHM-Payment-Button-API and athmovil-webhooks.
//! There is no sandbox; the simulator of `athm-actix` stands in for it.

mod answer;
mod builder;
mod client;
mod error;

pub use self::builder::{BuildError, Builder};
pub use self::client::{Client, Ticket};
pub use self::error::ProviderError;
