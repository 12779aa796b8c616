//! Names that the user gives a meaning of their own change nothing.
#![allow(dead_code, non_camel_case_types, non_snake_case, unused_macros)]

use athm_core::{State, Transaction, receiver};

mod core {}
mod std {}
mod alloc {}
mod linkme {}
struct Result;
struct Option;
struct Box;
struct Vec;
struct Duration;
struct Receiver;
struct Signal;
struct str;
struct u32;
struct u64;
struct i32;
fn Some() {}
fn Ok() {}
fn Err() {}
fn outcome() {}
fn argument() {}
fn boxed() {}

macro_rules! concat {
    () => {};
}
macro_rules! module_path {
    () => {};
}

#[receiver(completed, order = 3, sender = "kiosk", attempts = 3, timeout = "1500ms", blocking)]
fn print(_: &Transaction, _: State<Box>) {}

#[receiver(completed)]
async fn fulfil(_: &Transaction, _: State<Vec>) -> ::core::result::Result<(), ::std::boxed::Box<::std::io::Error>> {
    ::core::result::Result::Ok(())
}

// Names of the macro's own, as functions, constants and types.
mod like_the_macros {
    use athm_core::{Transaction, receiver};

    pub(crate) type __athm = Transaction;
    pub(crate) const __call: &str = "__call";
    pub(crate) const __context: &str = "__context";
    pub(crate) const __argument: i32 = 1;
    pub(crate) static __rejection: i32 = 1;
    pub(crate) const __ATHM_RECEIVER: &str = "__ATHM_RECEIVER";

    #[receiver(expired, id = __call, order = __argument)]
    fn __athm_call(_: &__athm) {}

    #[receiver(expired, id = __ATHM_RECEIVER)]
    async fn __athm_context(_: &Transaction) {}

    #[receiver(expired, id = __context)]
    fn __athm_value(_: &__athm) {}
}

fn main() {
    assert_eq!(athm_core::dispatch::Dispatcher::linked().receivers().len(), 5);
}
