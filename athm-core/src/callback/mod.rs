//! Messages: what was posted, whatever the sender.

mod error;
mod message;
pub(crate) mod wire;

pub use self::error::{FieldError, ParseError};
pub use self::message::Message;
