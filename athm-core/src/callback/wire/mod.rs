//! Every spelling of the provider's, here and nowhere else.
//!
//! The same thing is written in many ways by the provider's scripts, webhooks and endpoints. [`Fields`] is one of its
//! objects, whatever it came in; what is read out of it is athm's own.

mod body;
mod read;
pub(crate) mod repair;
pub(crate) mod words;
mod write;

use serde_json::{Map, Value};

pub(crate) use self::write::{item_object, written};

/// The fields of one of the provider's objects.
#[derive(Debug)]
pub(crate) struct Fields {
    values: Map<String, Value>,
    source: Source,
}

/// Who has sent an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// An unauthenticated sender.
    Message,
    /// The provider, when it was asked.
    Answer,
}

#[cfg(test)]
mod tests;
