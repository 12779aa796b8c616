//! Checks the receivers at start, and logs them.

use super::StartError;
use crate::dispatch::Registry;
use crate::models::Signal;
use crate::receiver::States;
use crate::util::text::nearest;

/// All mistakes at once, each with its receiver and where that stands.
pub(super) fn check_receivers(registry: &Registry, states: &States, expected: &[String]) -> Result<(), StartError> {
    let broken = registry.broken().map(ToOwned::to_owned).into_iter();
    let duplicates = registry.duplicates().into_iter().map(|receivers| format!("one id for several: {receivers}"));
    let absent = expected.iter().filter(|id| !registry.contains(id)).map(|id| absent(id, registry));
    let asked = registry.missing(states).into_iter().chain(registry.misplaced());
    let problems: Vec<String> = broken.chain(duplicates).chain(asked).chain(absent).collect();
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
        let (signals, order, sender) = (receiver.signals(), receiver.order(), receiver.sender());
        let sender = sender.as_ref().map(|sender| sender.as_str());
        tracing::info!(%receiver, ?signals, order, sender, "receiver");
    }
    let unheard = Signal::ALL.into_iter().filter(|signal| registry.of_signal(*signal).is_empty());
    let unheard: Vec<&str> = unheard.map(Signal::as_str).collect();
    if !unheard.is_empty() {
        tracing::warn!(signals = unheard.join(", "), "signals without any receiver");
    }
}
