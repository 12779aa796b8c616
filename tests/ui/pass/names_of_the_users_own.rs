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

fn main() {
    assert_eq!(athm_core::dispatch::Dispatcher::linked().receivers().len(), 2);
}
