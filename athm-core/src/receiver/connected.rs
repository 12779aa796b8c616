//! Receivers that came at run time.

use futures_util::FutureExt;

use super::{Answer, Answered, Context, Parameter, Receive, ReceiverInfo, ReceiverOptions};
use crate::models::Signal;

/// A receiver that was connected at run time.
pub(crate) struct Connected {
    pub(crate) options: ReceiverOptions,
    pub(crate) signals: Vec<Signal>,
    /// Of one that stands for a linked receiver: what that asks for.
    pub(crate) parameters: &'static [Parameter],
    call: Box<dyn Connectable>,
}

/// Closures and objects, behind one signature for all.
trait Connectable: Send + Sync {
    fn call<'a>(&'a self, context: &Context<'a>) -> Answered<'a>;
}

impl Connected {
    pub(crate) fn closure<F, R, Time>(options: ReceiverOptions, signals: Vec<Signal>, closure: F) -> Self
    where
        F: for<'a> Fn(&'a Context<'a>) -> R + Send + Sync + 'static,
        R: Answer<Time>,
    {
        let closure = move |context: &Context<'_>| closure(context).answered();
        Self::new(options, signals, Box::new(Closure(closure)))
    }

    pub(crate) fn object(options: ReceiverOptions, signals: Vec<Signal>, receiver: impl Receive) -> Self {
        Self::new(options, signals, Box::new(Object(receiver)))
    }

    /// A signal named twice counts once.
    fn new(options: ReceiverOptions, mut signals: Vec<Signal>, call: Box<dyn Connectable>) -> Self {
        signals.sort_unstable();
        signals.dedup();
        Self { options, signals, parameters: &[], call }
    }

    /// Its id, unique in the program.
    pub(crate) fn id(&self) -> &str {
        &self.options.id
    }

    /// One that stands for another.
    pub(crate) fn instead_of(receiver: &ReceiverInfo, object: impl Receive) -> Self {
        let mut options = ReceiverOptions::new(receiver.id()).order(receiver.order());
        options.senders = receiver.senders();
        options.attempts = Some(receiver.attempts());
        options.backoff = Some(receiver.backoff());
        options.timeout = Some(receiver.timeout());
        options.concurrency = receiver.concurrency();
        options.condition = receiver.condition();
        options.was = receiver.was().map(str::to_owned).collect();
        options.blocking = receiver.is_blocking();
        options.waits_for_customer = receiver.parameters().iter().any(|parameter| parameter.waits_for_customer);
        let connected = Self::object(options, receiver.signals().to_vec(), object);
        Self { parameters: receiver.parameters(), ..connected }
    }

    pub(crate) fn call<'a>(&'a self, context: &Context<'a>) -> Answered<'a> {
        self.call.call(context)
    }
}

struct Closure<F>(F);

impl<F> Connectable for Closure<F>
where
    F: for<'a> Fn(&'a Context<'a>) -> Answered<'static> + Send + Sync,
{
    fn call<'a>(&'a self, context: &Context<'a>) -> Answered<'a> {
        self.0(context)
    }
}

struct Object<T>(T);

impl<T: Receive> Connectable for Object<T> {
    fn call<'a>(&'a self, context: &Context<'a>) -> Answered<'a> {
        let context = *context;
        Answered::Later(async move { self.0.receive(&context).await }.boxed())
    }
}
