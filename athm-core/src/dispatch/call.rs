//! Calling one receiver, isolated.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

use super::registry::Callable;
use super::run::ended;
use super::{Failure, ReceiverInfo};
use crate::receiver::{Call, Context, Outcome};

/// Calls a receiver; a panic becomes its failure.
pub(crate) async fn call<'a>(receiver: &'a ReceiverInfo, context: &'a Context<'a>) -> Result<(), Failure> {
    let now =
        |function: &dyn Fn(&'a Context<'a>) -> Outcome| ended(catch_unwind(AssertUnwindSafe(|| function(context))));
    match &receiver.callable {
        Callable::Closure(closure) => now(&|context| closure(context)),
        Callable::Linked(Call::Sync(function)) => now(&|context| function(context)),
        Callable::Linked(Call::Async(function)) => ended(AssertUnwindSafe(function(context)).catch_unwind().await),
    }
}
