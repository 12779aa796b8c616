//! Noting what happened, on whichever thread.

use std::fmt::Debug;
use std::time::Duration;

use tokio::sync::watch;

use super::Run;
use super::ran::{self, Line};
use crate::dispatch::Dispatcher;
use crate::models::Signal;
use crate::receiver;
use crate::receiver::{BoxError, Connected, Context, Failure, Receive, ReceiverInfo, States};

/// Notes what happened, in its order, whichever thread it happens on. A clone is the same recorder.
///
/// `Recorder::new()` notes [`Run`]s: connect its [`receiver`](Recorder::receiver), or have it
/// [`watch`](Recorder::watch) others. A `Recorder<T>` notes what you tell it to: put it into a fake, or use it as one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::testing::Recorder;
/// use athm_core::dispatch::Dispatcher;
/// use athm_core::{Sender, Signal, Transaction};
///
/// let (recorder, dispatcher) = (Recorder::new(), Dispatcher::empty());
/// dispatcher.connect("recorder", Signal::ALL, recorder.receiver())?;
///
/// let cancelled = Transaction::sample().cancelled().build();
/// let _ = dispatcher.dispatch(&cancelled, Sender::WEBHOOK).await;
///
/// recorder.assert_ran_in_order([("recorder", Signal::Received), ("recorder", Signal::Cancelled)]);
/// assert_eq!(recorder.noted()[0].sender(), &Sender::WEBHOOK);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Recorder<T = Run> {
    noted: watch::Sender<Vec<T>>,
    timeout: Duration,
}

/// How long a test waits for what must come, unless it says otherwise.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

impl<T> Recorder<T> {
    /// Waits for so long, and no longer, for what must come: ten seconds unless given.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Notes one more.
    pub fn note(&self, what: impl Into<T>) {
        self.noted.send_modify(|noted| noted.push(what.into()));
    }
}

impl<T: Clone + Debug> Recorder<T> {
    /// What was noted so far.
    #[must_use]
    pub fn noted(&self) -> Vec<T> {
        self.noted.borrow().clone()
    }

    /// Waits until at least that many runs are recorded, and returns them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use athm_core::testing::Recorder;
    ///
    /// let mails = Recorder::<String>::default();
    /// let outbox = mails.clone();
    /// std::thread::spawn(move || outbox.note("thank you"));
    /// assert_eq!(mails.wait_for(1).await, ["thank you"]);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// When they don't come while its [`timeout`](Recorder::timeout) lasts; and without a tokio runtime, which
    /// `#[tokio::test]` and `#[actix_web::test]` bring.
    pub async fn wait_for(&self, count: usize) -> Vec<T> {
        self.wait_until(|noted| noted.len() >= count).await
    }

    /// Waits until what was noted is as it should be, and gives it.
    ///
    /// # Panics
    ///
    /// As [`wait_for`](Recorder::wait_for).
    pub async fn wait_until(&self, condition: impl Fn(&[T]) -> bool) -> Vec<T> {
        let mut noted = self.noted.subscribe();
        let came = tokio::time::timeout(self.timeout, noted.wait_for(|noted| condition(noted))).await.is_ok();
        let noted = self.noted();
        assert!(came, "waited for {:?}, and what was noted by then is {noted:#?}", self.timeout);
        noted
    }

    /// Checks that this is what was noted, in this order.
    ///
    /// # Panics
    ///
    /// When it is something else: the message shows both.
    #[track_caller]
    pub fn assert_noted<U: Debug>(&self, expected: impl IntoIterator<Item = U>)
    where
        T: PartialEq<U>,
    {
        let (noted, expected) = (self.noted(), expected.into_iter().collect::<Vec<_>>());
        assert!(noted == expected, "expected {expected:#?}, but what was noted is {noted:#?}");
    }
}

/// A recorder of what ran.
impl Recorder {
    /// One that has noted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A receiver that notes each time it runs: for `connect`, under whatever id.
    pub fn receiver(&self) -> impl Fn(&Context<'_>) + Send + Sync + 'static {
        let recorder = self.clone();
        move |context| recorder.note(Run::of(context, Ok(())))
    }

    /// A dispatcher of the same receivers and states that notes each run as it ends, with its failure if any. Give it to
    /// [`AthmBuilder::dispatcher`](crate::AthmBuilder::dispatcher), and what is delivered durably is noted too.
    ///
    /// Receivers that are connected later aren't watched. A receiver that its `timeout` cuts off never ends, and isn't
    /// recorded.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use athm_core::testing::Recorder;
    /// use athm_core::dispatch::Dispatcher;
    /// use athm_core::{Sender, Signal, Transaction};
    ///
    /// let dispatcher = Dispatcher::empty();
    /// dispatcher.connect("shop::stock", [Signal::Completed], |_| Err("nothing left"))?;
    ///
    /// let (recorder, paid) = (Recorder::new(), Transaction::sample().completed().build());
    /// let _ = recorder.watch(&dispatcher).dispatch(&paid, Sender::CALLBACK).await;
    ///
    /// recorder.assert_ran([("stock", Signal::Completed)]);
    /// assert_eq!(recorder.noted()[0].failure(), Some("nothing left"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn watch(&self, dispatcher: &Dispatcher) -> Dispatcher {
        let watched = Dispatcher::empty().with_states(States::clone(dispatcher.states()));
        let all = dispatcher.receivers().into_iter().map(|receiver| {
            let watched = Watched { receiver: receiver.clone(), recorder: self.clone() };
            Connected::instead_of(&receiver, watched)
        });
        watched.add_all(all.collect());
        watched
    }

    /// Checks that these receivers have run, each for that signal, and no others, in any order. A receiver is
    /// named by its id or by the end of it, as `fulfil` for `shop::fulfil`.
    ///
    /// # Panics
    ///
    /// When others ran: the message lists them, and how they ended.
    #[track_caller]
    pub fn assert_ran<'a>(&self, expected: impl IntoIterator<Item = (&'a str, Signal)>) {
        ran::assert_ran(&lines(&self.noted()), &expected.into_iter().collect::<Vec<_>>());
    }

    /// As [`assert_ran`](Self::assert_ran), and they ended in this order.
    ///
    /// # Panics
    ///
    /// When others ran, or in another order.
    #[track_caller]
    pub fn assert_ran_in_order<'a>(&self, expected: impl IntoIterator<Item = (&'a str, Signal)>) {
        ran::assert_ran_in_order(&lines(&self.noted()), &expected.into_iter().collect::<Vec<_>>());
    }

    /// Checks that no receiver has failed.
    ///
    /// # Panics
    ///
    /// When one has: the message names it, and its error.
    #[track_caller]
    pub fn assert_ok(&self) {
        ran::assert_ok(&lines(&self.noted()));
    }
}

/// A receiver whose runs are noted.
struct Watched {
    receiver: ReceiverInfo,
    recorder: Recorder,
}

impl Receive for Watched {
    #[allow(refining_impl_trait, reason = "its type is private to the recorder")]
    async fn receive(&self, context: &Context<'_>) -> Result<(), BoxError> {
        let result = receiver::call(&self.receiver, context).await;
        self.recorder.note(Run::of(context, result.as_ref().copied()));
        result.map_err(|failure| match failure {
            // As it was returned: it may be permanent.
            Failure::Error(error) => error,
            other => other.into(),
        })
    }
}

fn lines(runs: &[Run]) -> Vec<Line<'_>> {
    runs.iter().map(Run::line).collect()
}

impl<T> Default for Recorder<T> {
    fn default() -> Self {
        Self { noted: watch::Sender::new(Vec::new()), timeout: WAIT_TIMEOUT }
    }
}

impl<T> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Self { noted: self.noted.clone(), timeout: self.timeout }
    }
}
