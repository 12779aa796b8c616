//! Finding linked receivers by name.

use crate::dispatch::Dispatcher;
use crate::receiver::ReceiverInfo;

/// A dispatcher of some linked receivers alone: give it fakes for what they ask for, and dispatch.
///
/// A receiver is named by its id or by the end of it, as of a path: `fulfil` is `shop::orders::fulfil`, if no other
/// receiver's id ends like that.
///
/// ```standalone_crate
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use athm_core::testing::{self, Recorder, ReportExt};
/// use athm_core::{Sender, Signal, State, Transaction, receiver};
///
/// #[receiver(completed, id = "shop::thank")]
/// fn thank(transaction: &Transaction, State(mails): State<Recorder<String>>) {
///     mails.note(format!("thank you for {}", transaction.metadata_1()));
/// }
///
/// let (mails, paid) = (Recorder::<String>::default(), Transaction::sample().completed().build());
/// let report = testing::only(["thank"]).state(mails.clone()).dispatch(&paid, Sender::CALLBACK).await;
///
/// report.assert_ok();
/// report.assert_ran([("thank", Signal::Completed)]);
/// mails.assert_noted(["thank you for order-1"]);
/// # }
/// ```
///
/// # Panics
///
/// When a name is that of no linked receiver, or of several.
#[track_caller]
#[must_use]
pub fn only<'a>(receivers: impl IntoIterator<Item = &'a str>) -> Dispatcher {
    let dispatcher = Dispatcher::linked();
    assert!(dispatcher.snapshot().broken().is_none(), "{}", dispatcher.snapshot().broken().unwrap_or_default());
    let linked = dispatcher.receivers();
    let mut wanted = Vec::new();
    for name in receivers {
        wanted.push(find(name, &linked));
    }
    for other in linked.iter().map(ReceiverInfo::id).filter(|id| !wanted.contains(id)) {
        // Of two with one id, the first pass disconnects both.
        let _ = dispatcher.disconnect(other);
    }
    dispatcher
}

/// Whether that is the id, or the end of it as of a path.
pub(super) fn is_named(id: &str, name: &str) -> bool {
    id == name || id.strip_suffix(name).is_some_and(|module| module.ends_with("::"))
}

#[track_caller]
fn find<'a>(name: &str, linked: &'a [ReceiverInfo]) -> &'a str {
    let found: Vec<_> = linked.iter().filter(|receiver| is_named(receiver.id(), name)).collect();
    let exact = found.iter().find(|receiver| receiver.id() == name);
    match (found.as_slice(), exact) {
        (_, Some(receiver)) | ([receiver], None) => receiver.id(),
        ([], None) => panic!(
            "no receiver {name:?} is linked into this test; these are: {}\n\
             (a library that nothing in the test names is left out: `athm_core::link!(my_receivers);`)",
            listed(linked)
        ),
        (several, None) => {
            panic!("{name:?} may be any of these, give more of the id: {}", listed(several.iter().copied()))
        }
    }
}

fn listed<'a>(receivers: impl IntoIterator<Item = &'a ReceiverInfo>) -> String {
    let lines: String = receivers.into_iter().map(|receiver| format!("\n    {receiver}")).collect();
    if lines.is_empty() { "\n    (none)".to_owned() } else { lines }
}
