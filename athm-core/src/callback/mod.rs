//! What a message says, whoever sent it.

mod error;
mod message;
pub(crate) mod wire;

pub use self::error::{FieldError, ParseError};
pub use self::message::Message;
