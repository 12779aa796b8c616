//! Runs of receivers, and assertions that print them.

use std::fmt::{self, Write};

use super::only::is_named;
use crate::dispatch::Report;
use crate::models::{Sender, Signal, Transaction};
use crate::receiver::{Context, Failure};
use crate::util::text::causes;

/// One run of a receiver, as a [`Recorder`](super::Recorder) has noted it.
///
/// ```
/// use athm_core::testing::Recorder;
///
/// fn print(recorder: &Recorder) {
///     for run in recorder.noted() {
///         println!("{} for {}: {:?}", run.receiver(), run.signal(), run.failure());
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Run {
    receiver: String,
    signal: Signal,
    sender: Sender,
    transaction: Transaction,
    failure: Option<String>,
}

impl Run {
    pub(super) fn of(context: &Context<'_>, result: Result<(), &Failure>) -> Self {
        Self {
            receiver: context.receiver().to_owned(),
            signal: context.signal(),
            sender: context.sender().clone(),
            transaction: context.transaction().clone(),
            failure: result.err().map(|failure| causes(failure)),
        }
    }

    /// The receiver's id.
    #[must_use]
    pub fn receiver(&self) -> &str {
        &self.receiver
    }

    /// The signal that it ran for.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// The source that reported the transition first.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The transaction, as the receiver saw it.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Why it did not succeed; `None` when it did.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(super) fn line(&self) -> Line<'_> {
        Line { receiver: &self.receiver, signal: self.signal, failure: self.failure.clone() }
    }
}

/// Assertions about what a dispatch ran.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::dispatch::Dispatcher;
/// use athm_core::testing::ReportExt;
/// use athm_core::{Sender, Signal, Transaction};
///
/// let dispatcher = Dispatcher::empty();
/// dispatcher.connect("shop::fulfil", [Signal::Completed], |_| ())?;
///
/// let report = dispatcher.dispatch(&Transaction::sample().completed().build(), Sender::CALLBACK).await;
/// report.assert_ran([("fulfil", Signal::Completed)]);
/// report.assert_ok();
/// # Ok(()) }
/// ```
pub trait ReportExt {
    /// Checks that exactly these receivers ran, each for its signal, in any order. A receiver is named by its id or by
    /// the end of it, as `fulfil` for `shop::fulfil`.
    ///
    /// # Panics
    ///
    /// When others ran: the message lists them, and how they ended.
    #[track_caller]
    fn assert_ran<'a>(&self, expected: impl IntoIterator<Item = (&'a str, Signal)>);

    /// As [`assert_ran`](Self::assert_ran), and they started in this order.
    ///
    /// # Panics
    ///
    /// When others ran, or in another order.
    #[track_caller]
    fn assert_ran_in_order<'a>(&self, expected: impl IntoIterator<Item = (&'a str, Signal)>);

    /// Checks that no receiver failed.
    ///
    /// # Panics
    ///
    /// When one did: the message names it, and its error.
    #[track_caller]
    fn assert_ok(&self);
}

impl ReportExt for Report {
    #[track_caller]
    fn assert_ran<'a>(&self, expected: impl IntoIterator<Item = (&'a str, Signal)>) {
        assert_ran(&lines(self), &expected.into_iter().collect::<Vec<_>>());
    }

    #[track_caller]
    fn assert_ran_in_order<'a>(&self, expected: impl IntoIterator<Item = (&'a str, Signal)>) {
        assert_ran_in_order(&lines(self), &expected.into_iter().collect::<Vec<_>>());
    }

    #[track_caller]
    fn assert_ok(&self) {
        assert_ok(&lines(self));
    }
}

fn lines(report: &Report) -> Vec<Line<'_>> {
    let lines = report.entries().iter().map(|entry| Line {
        receiver: entry.receiver(),
        signal: entry.signal(),
        failure: entry.result().err().map(|failure| causes(failure)),
    });
    lines.collect()
}

/// One run of a receiver, as a test sees it.
#[derive(Debug)]
pub(super) struct Line<'a> {
    receiver: &'a str,
    signal: Signal,
    failure: Option<String>,
}

impl Line<'_> {
    fn is(&self, (receiver, signal): (&str, Signal)) -> bool {
        self.signal == signal && is_named(self.receiver, receiver)
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.receiver, self.signal)?;
        self.failure.as_ref().map_or(Ok(()), |failure| write!(f, ", which failed: {failure}"))
    }
}

type Expected<'a> = (&'a str, Signal);

#[track_caller]
pub(super) fn assert_ran(ran: &[Line<'_>], expected: &[Expected<'_>]) {
    let mut rest: Vec<_> = ran.iter().collect();
    let all_found = expected.iter().all(|wanted| {
        let found = rest.iter().position(|line| line.is(*wanted));
        found.map(|place| rest.remove(place)).is_some()
    });
    assert!(all_found && rest.is_empty(), "{}", difference("expected, in any order", ran, expected));
}

#[track_caller]
pub(super) fn assert_ran_in_order(ran: &[Line<'_>], expected: &[Expected<'_>]) {
    let is_same = ran.len() == expected.len() && ran.iter().zip(expected).all(|(line, wanted)| line.is(*wanted));
    assert!(is_same, "{}", difference("expected, in this order", ran, expected));
}

#[track_caller]
pub(super) fn assert_ok(ran: &[Line<'_>]) {
    let failed: Vec<_> = ran.iter().filter(|line| line.failure.is_some()).collect();
    assert!(failed.is_empty(), "expected every receiver to succeed, but not so:{}", block(&failed));
}

fn difference(how: &str, ran: &[Line<'_>], expected: &[Expected<'_>]) -> String {
    let expected: Vec<_> = expected.iter().map(|(receiver, signal)| format!("{receiver} ({signal})")).collect();
    format!("{how}:{}\nbut what ran is:{}", block(&expected), block(ran))
}

fn block(lines: &[impl fmt::Display]) -> String {
    if lines.is_empty() {
        return "\n    (nothing)".to_owned();
    }
    lines.iter().fold(String::new(), |mut block, line| {
        // Writing to a String can't fail.
        let _ = write!(block, "\n    {line}");
        block
    })
}
