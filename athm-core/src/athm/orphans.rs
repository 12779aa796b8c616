//! Deliveries that wait for a receiver of another name, found at the start.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dispatch::Snapshot;
use crate::outbox::runnable;
use crate::store::{DeliverySelection, Store};
use crate::util::clock::Clock;
use crate::util::text::{causes, nearest_names};

/// How many names are suggested.
const SUGGESTIONS: usize = 3;

/// Warns of due deliveries whose receiver this program has under no name: it was renamed without `was`, say. Another process may
/// have it, so that this is no error.
pub(super) async fn warn_of_orphans(store: Arc<dyn Store>, clock: Clock, registry: Snapshot) {
    let query = DeliverySelection::Orphaned { due_before: clock.steady(), runnable: runnable(registry.all()) };
    let orphans = match store.list_deliveries(query).await {
        Ok(orphans) => orphans,
        Err(error) => {
            return tracing::debug!(
                error = causes(&error),
                "whether deliveries have lost their receiver couldn't be read"
            );
        }
    };
    let mut deliveries = BTreeMap::<_, usize>::new();
    for orphan in orphans.into_iter().filter(|orphan| registry.place_of(&orphan.receiver).is_none()) {
        *deliveries.entry(orphan.receiver).or_default() += 1;
    }
    for (receiver, deliveries) in deliveries {
        let names = registry.all().iter().map(|receiver| receiver.id());
        let nearest = nearest_names(&receiver, names, SUGGESTIONS).join(", ");
        let nearest = (!nearest.is_empty()).then_some(nearest);
        tracing::warn!(
            receiver,
            deliveries,
            nearest,
            "due deliveries name a receiver that this program doesn't have: if it was renamed, say so with `was`"
        );
    }
}
