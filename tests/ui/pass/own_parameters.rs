//! A program can define parameters of its own.

use athm_core::dispatch::{Dispatcher, States};
use athm_core::errors::MissingState;
use athm_core::{Context, FromContext, Refund, Rejection, Signal, State, receiver};

struct Order<'a> {
    name: &'a str,
}

impl<'a> FromContext<'a> for Order<'a> {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(Self { name: context.transaction().metadata_1() })
    }
}

struct Prices(State<Vec<u32>>);

impl<'a> FromContext<'a> for Prices {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        State::from_context(context).map(Self)
    }

    fn check(states: &States) -> Result<(), MissingState> {
        State::<Vec<u32>>::check(states)
    }
}

struct GivenBack(Refund);

impl<'a> FromContext<'a> for GivenBack {
    const SIGNALS: &'static [Signal] = <&Refund>::SIGNALS;

    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        <&Refund>::from_context(context).copied().map(Self)
    }
}

struct Till {
    name: &'static str,
}

impl FromContext<'_> for &'static Till {
    fn from_context(_: &Context<'_>) -> Result<Self, Rejection> {
        Ok(&Till { name: "kiosk" })
    }
}

#[receiver(cancelled)]
fn close(till: &'static Till) {
    println!("{}", till.name);
}

#[receiver(completed)]
async fn fulfil(Order { name }: Order<'_>, Prices(prices): Prices) {
    println!("{name} {}", prices.len());
}

#[receiver(refunded)]
fn give_back(GivenBack(refund): GivenBack) {
    println!("{}", refund.amount);
}

fn main() {
    assert_eq!(Dispatcher::linked().receivers().len(), 3);
}
