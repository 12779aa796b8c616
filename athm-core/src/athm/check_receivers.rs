//! Checks the receivers at start, and logs them.

use super::StartError;
use crate::dispatch::Registry;
use crate::models::{Sender, Signal};
use crate::receiver::{States, unlisted_images};
use crate::util::text::nearest;

/// All mistakes at once, each with its receiver and where that stands.
pub(super) fn check_receivers(registry: &Registry, states: &States, expected: &[String]) -> Result<(), StartError> {
    let broken = registry.broken().map(ToOwned::to_owned).into_iter();
    let unlisted = unlisted_images().into_iter().map(|file| {
        format!(
            "receivers of {} are in no list: athm-core is in another dynamic library; link it and them statically, without \
             `prefer-dynamic` and `crate-type = [\"dylib\"]`",
            file.display()
        )
    });
    let duplicates = registry.duplicates().into_iter().map(|receivers| format!("one id for several: {receivers}"));
    let ambiguous = registry.ambiguous().into_iter().map(|ids| format!("one id for several, by `was`: {ids}"));
    let absent = expected.iter().filter(|id| !registry.contains(id)).map(|id| absent(id, registry));
    let twice = registry.compiled_twice().into_iter().map(|receivers| {
        format!(
            "one function compiled into several crates, so that it would run as often: {receivers}: leave `mod …;` in \
             `lib.rs`, and name the library in `main.rs`"
        )
    });
    let missing = registry.missing(states).into_iter();
    let problems: Vec<String> =
        broken.chain(unlisted).chain(duplicates).chain(ambiguous).chain(twice).chain(missing).chain(absent).collect();
    if problems.is_empty() { Ok(()) } else { Err(StartError::Receivers { problems }) }
}

fn absent(id: &str, registry: &Registry) -> String {
    let nearest = nearest(id, registry.all().iter().map(|receiver| receiver.id()));
    let nearest = nearest.map(|nearest| format!("did you mean `{nearest}`? If not, ")).unwrap_or_default();
    format!(
        "no receiver `{id}` is there, though it is expected: {nearest}name its crate in this program with \
         `link!(the_crate)`, or the linker leaves it out"
    )
}

/// Logs every receiver, and the signals that have none.
pub(super) fn log_receivers(registry: &Registry) {
    for receiver in registry.all() {
        let (signals, order, senders) = (receiver.signals(), receiver.order(), receiver.senders());
        let sender = (!senders.is_empty()).then(|| names(&senders));
        let was = receiver.was().collect::<Vec<_>>().join(", ");
        let was = (!was.is_empty()).then_some(was);
        tracing::info!(%receiver, ?signals, order, sender, was, "receiver");
    }
    let unused = Signal::ALL.into_iter().filter(|signal| registry.of_signal(*signal).is_empty());
    let unused: Vec<&str> = unused.map(Signal::as_str).collect();
    if !unused.is_empty() {
        tracing::warn!(signals = unused.join(", "), "signals without any receiver");
    }
}

/// `callback, kiosk`
fn names(senders: &[Sender]) -> String {
    senders.iter().map(Sender::as_str).collect::<Vec<_>>().join(", ")
}
