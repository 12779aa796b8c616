//! What the tests of both backends work with.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Batching, Claim, DamagedRows, InboxMessage, InboxState, Observation, Origin, PendingRoom, Policy, StoreContext,
    TransactionQuery, WriteHealth,
};
use crate::dispatch::Dispatcher;
use crate::models::{Amount, Item, PaymentKey, PhoneNumber, Sender, Signal, Status, Transaction, TransactionKind};
use crate::outbox::{AttemptOutcome, ClaimId, ClaimPermits, LEASE, Outbox, Slots, Suspects, Unstarted};
use crate::util::clock::{Clock, later};

/// The only delivery that this process can run; see [`context`].
pub(super) const RUNNABLE: &str = "completed:ship";

/// The context of a process with one receiver, `ship`, of the signal `completed`. No worker takes what its outbox hands
/// over.
pub(super) fn context(clock: &Clock, slots: usize, batching: Batching) -> (StoreContext, Unstarted) {
    let dispatcher = Dispatcher::empty();
    dispatcher.connect("ship", [Signal::Completed], |_| ()).unwrap();
    let policy = Policy { registry: dispatcher.snapshot(), ..Policy::default() };
    let (outbox, unstarted) = Outbox::new(Slots::new(slots), clock.clone());
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
        permits: ClaimPermits::new(8).take_for_poll(),
        suspect: Suspects::new(Default::default()).permit(),
    }
}

/// A claim of 100 deliveries by a process with 41 receivers, of which the first is that of [`claim`].
pub(super) fn claim_of_many_receivers(clock: &Clock) -> Claim {
    let mut claim = claim(clock);
    claim.runnable.extend((0..40).map(|n| format!("completed:receiver-{n}")));
    Claim { permits: ClaimPermits::new(100).take_for_poll(), ..claim }
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

/// Lists of payments among 100,000: the query, the index that it follows, and how many it finds. The `n`th payment has
/// `created_at` n microseconds after 1970, every two share `metadata_1`, and every four a customer.
pub(super) fn payment_queries() -> Vec<(TransactionQuery, &'static str, usize)> {
    let phone: PhoneNumber = "7870000500".parse().unwrap();
    let newest = TransactionQuery::new;
    let at = |micros| Timestamp::from_microsecond(micros).unwrap();
    let of_both = newest().customer_email("customer500@example.com").customer_phone(phone.clone());
    let of_range = newest().since(at(70_001)).until(at(70_011));
    vec![
        (newest().metadata_1("order-1000"), "athm_transaction_metadata", 2),
        (newest().customer_phone(phone.clone()), "athm_customer_phone", 4),
        (newest().customer_email("CUSTOMER500@example.com"), "athm_customer_email", 4),
        (of_both, "athm_customer_phone", 4),
        (newest().customer_phone(phone).metadata_1("order-1000"), "athm_customer_phone", 2),
        (newest().status(Status::Completed).limit(7), "athm_transaction_newest_by_status", 7),
        (newest().kind(TransactionKind::Ecommerce).limit(7), "athm_transaction_newest", 7),
        (of_range.clone().reference_prefix("ref-7000"), "athm_transaction_newest", 9),
        (of_range.clone().reference_prefix("ref_7000"), "athm_transaction_newest", 0),
        (of_range.clone().daily_transaction_id("0003"), "athm_transaction_newest", 1),
        (of_range.metadata_2("none"), "athm_transaction_newest", 0),
    ]
}
