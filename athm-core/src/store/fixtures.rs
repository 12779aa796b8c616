//! What the tests of both backends work with.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Batching, Claim, DamagedRows, InboxMessage, InboxState, Observation, Origin, PendingRoom, Policy, StoreContext,
    WriteHealth,
};
use crate::dispatch::Dispatcher;
use crate::models::{Amount, Item, PaymentKey, Sender, Signal, Status, Transaction};
use crate::outbox::{AttemptOutcome, ClaimId, LEASE, Outbox, Slots, Suspects, Unstarted};
use crate::util::clock::{Clock, later};

/// The only delivery that this process can run; see [`context`].
pub(super) const RUNNABLE: &str = "completed:ship";

/// The context of a process with one receiver, `ship`, of the signal `completed`. No worker takes what its outbox hands
/// over.
pub(super) fn context(clock: &Clock, slots: usize, batching: Batching) -> (StoreContext, Unstarted) {
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("ship", [Signal::Completed], |_| ()).unwrap();
    let policy = Policy { registry: dispatcher.snapshot(), ..Policy::default() };
    let (outbox, unstarted) = Outbox::new(Slots::new(slots));
    let background = tokio::runtime::Handle::current();
    (
        StoreContext {
            policy,
            outbox,
            clock: clock.clone(),
            batching,
            damaged: DamagedRows::default(),
            write_health: WriteHealth::default(),
            pending_room: PendingRoom::default(),
            background,
        },
        unstarted,
    )
}

/// A claim of up to eight deliveries and one suspect, as another process with the same receiver makes it.
pub(super) fn claim(clock: &Clock) -> Claim {
    let now = clock.steady();
    Claim {
        id: ClaimId::new(),
        now,
        lease_until: later(now, LEASE),
        runnable: vec![String::from(RUNNABLE)],
        slots: Slots::new(8).take(8),
        suspect: Suspects::new(Default::default()).permit(),
    }
}

/// An observation of a completed payment of $25.00.
pub(crate) fn record(reference: &str, ecommerce_id: Option<Uuid>) -> Observation {
    let mut observed = Transaction::builder(Status::Completed, Amount::from_cents(2500))
        .reference_number(reference.parse().unwrap())
        .item(Item::new("Mug", Amount::from_cents(2500)))
        .build();
    observed.ecommerce_id = ecommerce_id.map(Into::into);
    Observation { observed, sender: Sender::CALLBACK, auth_token: None, reported: Vec::new(), origin: Origin::Lookup }
}

/// A message about the payment with the ecommerceId `n`.
pub(super) fn message(n: u32, state: InboxState) -> InboxMessage {
    InboxMessage {
        id: Uuid::now_v7(),
        state,
        key: Some(PaymentKey::Ecommerce(Uuid::from_u128(n.into()).into())),
        kind: None,
        status: Some(Status::Completed),
        refunded: None,
        refunds: crate::models::RefundStatements::default(),
        version: 0,
        sender: Sender::CALLBACK,
        received_at: Timestamp::UNIX_EPOCH,
    }
}

/// A failure after which the delivery is dead.
pub(super) fn failed() -> AttemptOutcome {
    AttemptOutcome::Failed { error: String::from("late"), retry_at: None }
}
