//! Messages: what was posted, whatever the sender.

mod envelope;
mod error;
mod message;
pub(crate) mod wire;

pub use self::envelope::Envelope;
pub use self::error::{FieldError, ParseError};
pub use self::message::Message;
