//! Messages as strangers write them.

mod bodies;
mod fields;
mod properties;

use serde_json::{Value, json};

use super::*;
use crate::callback::{Message, ParseError};
use crate::models::{Amount, Customer, Item, Status, TransactionKind};

fn of(value: Value) -> Result<Message, ParseError> {
    Message::parse("application/json", value.to_string().as_bytes())
}

fn of_form(form: &str) -> Result<Message, ParseError> {
    Message::parse("application/x-www-form-urlencoded", form.as_bytes())
}
