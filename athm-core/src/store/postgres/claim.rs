//! Claims, the renewal of leases, and acknowledgements.
//!
//! Several processes claim from one table. `FOR UPDATE SKIP LOCKED` passes over rows that another process is claiming
//! right now, so that no process waits for another and none gets the same delivery. A claim sets `due_at` to the end of
//! its lease: until then, the delivery is due for no process.
//!
//! Once deliveries are locked, one statement reads their events with the payments, each once however many deliveries it has.
//! All that a receiver gets of a payment is therefore of one moment, even while another process merges it into another
//! row.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join;
use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::request::{BatchContext, BatchedRequest, ConflictKeys, Request, SingleRequest, WriteResult};
use super::row::PostgresRow;
use super::session::Session;
use super::values::{Statements, Values, column, integer, storable, text, values};
use crate::models::{DeliveryId, Event, Transaction};
use crate::outbox::{
    Acknowledgement, Admission, Attempt, AttemptRecord, ClaimId, ClaimKind, ClaimableDelivery, ClaimedDelivery,
    DeliveryUpdate, EventDeliveries, LimitClaim, NewDelivery, SuspectPermit,
};
use crate::store::damaged::DAMAGED_PAUSE;
use crate::store::limits::candidates_of_each;
use crate::store::row::{
    Columns, claim_columns, customer_columns, event_columns, is_ordinary, is_suspect, item_columns, select_attempt,
    transaction_columns,
};
use crate::store::{Claim, StoreContext};
use crate::util::clock::later;
use crate::util::process;

/// `SELECT` for due deliveries that meet a condition, which locks them. `$4` is how many, `$3` are those that are passed over.
macro_rules! lock_deliveries {
    ($($condition:expr),+) => {
        concat!(
            "SELECT d.id, ",
            claim_columns!(),
            ", d.event_id FROM athm_delivery d WHERE ",
            $($condition,)+
            " ORDER BY d.due_at, d.id LIMIT $4 FOR UPDATE SKIP LOCKED"
        )
    };
}

/// The due suspects, of which there are few.
pub(super) const SUSPECTS: &str = lock_deliveries!(
    "d.state IN ('due', 'running') AND d.due_at <= $1 AND ",
    is_suspect!(),
    " AND d.signal || ':' || d.receiver = ANY ($2) AND d.id <> ALL ($3)"
);

/// The ordinary due deliveries, found by their receivers: those that this process can't run are never read, however many there
/// are, and of a receiver with a limit no more than it may have. Candidates are `$6` of each receiver, and `$7` in all.
///
/// Within one statement, the place of a row (`ctid`) names the version that the statement sees. A candidate that another process
/// changes before it is locked is checked again, or passed over. The `CASE` keeps the server from finding candidates by these
/// conditions: planned while little is due, it would read all that is due and compare each row's place.
pub(super) const ORDINARY: &str = lock_deliveries!(
    "d.ctid = ANY (ARRAY (SELECT found.at FROM unnest($2::text[], $5::bigint[]) AS runnable (name, most) \
     CROSS JOIN LATERAL (\
     SELECT d.ctid AS at, d.id, d.due_at FROM athm_delivery d WHERE d.state IN ('due', 'running') \
     AND d.signal || ':' || d.receiver = runnable.name AND d.due_at <= $1 AND ",
    is_ordinary!(),
    " ORDER BY d.due_at, d.id LIMIT least($6, runnable.most)) AS found \
     ORDER BY found.due_at, found.id LIMIT $7)) \
     AND CASE WHEN d.state IN ('due', 'running') AND d.due_at <= $1 THEN ",
    is_ordinary!(),
    " AND d.id <> ALL ($3) END"
);

/// The events with their payments: one row for each item. An event without its payment has a row that can't be read.
const PAYMENTS: &str = concat!(
    "SELECT named.id, ",
    transaction_columns!(),
    ", ",
    event_columns!(),
    ", c.transaction_id, ",
    customer_columns!(),
    ", i.transaction_id, ",
    item_columns!(),
    " FROM unnest($1::uuid[]) AS named (id) LEFT JOIN athm_event e ON e.id = named.id ",
    "LEFT JOIN athm_transaction t ON t.id = e.transaction_id ",
    "LEFT JOIN athm_customer c ON c.transaction_id = t.id LEFT JOIN athm_item i ON i.transaction_id = t.id ",
    "ORDER BY named.id, i.position"
);

/// A delivery that was claimed, with its event and transaction. It gets its permit after the commit.
pub(super) struct ClaimedRow {
    transaction: Arc<Transaction>,
    event: Arc<Event>,
    pub(super) delivery: NewDelivery,
    pub(super) attempt: Attempt,
    is_replay: bool,
    limit: Option<LimitClaim>,
}

impl Request for Claim {
    /// How many deliveries were claimed, and, until they are handed over, which.
    type Written = (usize, Vec<ClaimedRow>);

    /// It takes no delivery that another write of its batch concerns: those that run here are passed over, and those that are
    /// inserted or given back meanwhile have a lease, or are due.
    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(Vec::new())
    }

    fn claimed((_, rows): &Self::Written) -> Vec<(DeliveryId, Attempt)> {
        column(rows, |row| (row.delivery.id, row.attempt))
    }

    fn committed(self, (_, rows): &mut Self::Written, context: &StoreContext) {
        let mut suspect = self.suspect;
        let claimed = rows.drain(..).zip(self.permits).map(|(row, permit)| {
            let ClaimedRow { transaction, event, delivery, attempt, is_replay, limit } = row;
            let suspect = suspect.take_if(|_| attempt.is_suspect()).map(SuspectPermit::claimed);
            let admission = Admission { permit, limit };
            (transaction, event, ClaimedDelivery { delivery, attempt, is_replay, admission, suspect })
        });
        EventDeliveries::group(claimed, self.now).into_iter().for_each(|event| context.outbox.hand_over(event));
    }
}

impl SingleRequest for Claim {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<Self::Written> {
        // Exact, because the task that executes this also hands over what it has claimed.
        let running = batch.context.outbox.with_old_leases(self.now).iter().map(|id| *id.as_uuid()).collect();
        let rows = claim_deliveries(batch, self, running, self.permits.len()).await?;
        Ok((rows.len(), rows))
    }
}

/// Claims due deliveries: one suspect if none runs here, then ordinary ones. `running` are those that run here already:
/// even when their leases have ended by the clock, they are not claimed twice.
pub(super) async fn claim_deliveries(
    batch: BatchContext<'_>,
    claim: &Claim,
    running: Vec<Uuid>,
    limit: usize,
) -> Result<Vec<ClaimedRow>> {
    let BatchContext { session, offset, .. } = batch;
    let suspects = if claim.suspect.is_some() { limit.min(1) } else { 0 };
    let limits = &batch.context.outbox.limits;
    let ((mut found, mut damaged), (ordinary, also_damaged)) = try_join(
        due(batch, SUSPECTS, claim, &running, (suspects, Values::new())),
        lock_ordinary(batch, claim, running.clone(), limit),
    )
    .await?;
    found.extend(ordinary);
    damaged.extend(also_damaged);
    found.retain_mut(|row| limits.claim(&row.delivery.receiver).map(|limit| row.limit = limit).is_ok());
    // A suspect takes the place of an ordinary delivery, which stays due.
    found.truncate(limit);
    let mut statements = Statements::new();
    if !found.is_empty() {
        let sql = "UPDATE athm_delivery SET state = 'running', claim = $2, due_at = $3, waits_for_customer = false, \
                   interruptions = interruptions + (CASE WHEN state = 'running' THEN 1 ELSE 0 END), \
                   attempts = attempts + (CASE WHEN id = $4 THEN 1 ELSE 0 END) WHERE id = ANY ($1)";
        let ids = column(&found, |row| *row.delivery.id.as_uuid());
        let mut suspects = found.iter().filter(|row| row.attempt.kind == ClaimKind::Suspect);
        let suspect = suspects.next().map(|row| *row.delivery.id.as_uuid());
        statements.push((sql, values![ids, *claim.id.as_uuid(), offset.to_server(claim.lease_until), suspect]));
    }
    if !damaged.is_empty() {
        let due_at = offset.to_server(later(claim.now, DAMAGED_PAUSE));
        statements.push(("UPDATE athm_delivery SET due_at = $2 WHERE id = ANY ($1)", values![damaged, due_at]));
    }
    session.execute_all(statements).await?;
    Ok(found)
}

/// Locks due deliveries that aren't suspects. It looks at more if it finds too few: other processes may be claiming the
/// candidates, or most due deliveries may be of few receivers.
async fn lock_ordinary(
    batch: BatchContext<'_>,
    claim: &Claim,
    mut passed_over: Vec<Uuid>,
    limit: usize,
) -> Result<(Vec<ClaimedRow>, Vec<Uuid>)> {
    let look_at = |each: usize, all: usize| values![claimable_of_each(batch, claim), size(each), size(all)];
    let each = candidates_of_each(limit, claim.runnable.len());
    let first = (limit, look_at(each, limit));
    let (mut found, mut damaged) = due(batch, ORDINARY, claim, &passed_over, first).await?;
    let missing = limit - found.len();
    if missing > 0 {
        passed_over.extend(found.iter().map(|row| *row.delivery.id.as_uuid()).chain(damaged.iter().copied()));
        let all = (limit * 8).min(limit * 2 + 512);
        let second = (missing, look_at(all.min(limit.max(each * 8)), all));
        let (further, also_damaged) = due(batch, ORDINARY, claim, &passed_over, second).await?;
        found.extend(further);
        damaged.extend(also_damaged);
    }
    Ok((found, damaged))
}

/// How many deliveries may be claimed of each receiver, because of its limit.
fn claimable_of_each(batch: BatchContext<'_>, claim: &Claim) -> Vec<i64> {
    column(&claim.runnable, |runnable| size(batch.context.outbox.claimable(runnable)))
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Locks due deliveries that this process can run, of each receiver longest due first. Returns them, and the ids of those that
/// can't be read.
async fn due(
    BatchContext { session, offset, .. }: BatchContext<'_>,
    sql: &'static str,
    claim: &Claim,
    passed_over: &[Uuid],
    (limit, more): (usize, Values<'_>),
) -> Result<(Vec<ClaimedRow>, Vec<Uuid>)> {
    if limit == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut values = values![offset.to_server(claim.now), claim.runnable.clone(), passed_over.to_vec(), size(limit)];
    values.extend(more);
    let read = |row: &mut PostgresRow<'_>| {
        row.uuid()?;
        Ok((row.claimable()?, row.uuid()?))
    };
    let (locked, mut damaged) = session.readable("athm_delivery", sql, values, read).await?;
    let payments = payments(session, column(&locked, |(_, event)| *event)).await?;
    let mut found = Vec::with_capacity(locked.len());
    for (claimable, event) in locked {
        let attempt = claimable.attempt(claim.id);
        let ClaimableDelivery { delivery, is_replay, .. } = claimable;
        match payments.get(&event).cloned() {
            Some((transaction, event)) => {
                found.push(ClaimedRow { transaction, event, delivery, attempt, is_replay, limit: None })
            }
            None => damaged.push(*delivery.id.as_uuid()),
        }
    }
    Ok((found, damaged))
}

/// Those of these events that can be read, with their payments.
async fn payments(session: &Session, mut of: Vec<Uuid>) -> Result<HashMap<Uuid, (Arc<Transaction>, Arc<Event>)>> {
    of.sort_unstable();
    of.dedup();
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let read = |row: &mut PostgresRow<'_>| {
        let (id, transaction, event) = (row.uuid()?, row.transaction()?, row.event()?);
        let (has_customer, customer) = (row.maybe_uuid()?.is_some(), row.customer()?);
        let item = row.maybe_uuid()?.map(|_| row.item()).transpose()?;
        Ok((id, Transaction { customer: has_customer.then_some(customer), ..transaction }, event, item))
    };
    let (rows, damaged) = session.readable("athm_event", PAYMENTS, values![of], read).await?;
    let mut payments = HashMap::new();
    for (id, transaction, event, item) in rows {
        let (transaction, _) = payments.entry(id).or_insert_with(|| (Arc::new(transaction), Arc::new(event)));
        Arc::make_mut(transaction).items.extend(item);
    }
    payments.retain(|id, _| !damaged.contains(id));
    Ok(payments)
}

/// Extends the leases of claims that still run: a delivery that another claim has is left alone.
pub(super) struct RenewLeases {
    pub(super) running: Vec<(DeliveryId, ClaimId)>,
    pub(super) until: Timestamp,
}

impl Request for RenewLeases {
    type Written = ();
}

impl SingleRequest for RenewLeases {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<()> {
        // `d.id = ANY ($1)` repeats the join's condition: it makes the server use the index. A row that another session has
        // locked is passed over, as claims do: the other leases don't wait for it.
        let sql = "UPDATE athm_delivery SET due_at = $3 WHERE id = ANY (ARRAY (SELECT d.id FROM athm_delivery d \
                   JOIN unnest($1::uuid[], $2::uuid[]) AS held (id, claim) ON d.id = held.id AND d.claim = held.claim \
                   WHERE d.id = ANY ($1) AND d.state = 'running' FOR UPDATE OF d SKIP LOCKED))";
        let (ids, claims): (Vec<_>, Vec<_>) =
            self.running.iter().map(|(id, claim)| (*id.as_uuid(), *claim.as_uuid())).unzip();
        batch.session.execute(sql, values![ids, claims, batch.offset.to_server(self.until)]).await.map(drop)
    }
}

/// A success counts however late it comes; anything else only while that claim runs.
macro_rules! acknowledge {
    () => {
        "UPDATE athm_delivery AS d SET state = ended.state, due_at = coalesce(ended.due_at, d.due_at), \
         attempts = CASE WHEN ended.state = 'succeeded' THEN greatest(d.attempts, ended.attempts) \
         ELSE ended.attempts END, interruptions = d.interruptions * ended.kept + ended.added, \
         waited_ms = d.waited_ms + ended.waits, \
         finished_at = coalesce(ended.finished_at, d.finished_at), \
         error = CASE WHEN ended.state = 'succeeded' THEN NULL ELSE coalesce(ended.error, d.error) END \
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], \
         $6::integer[], $7::integer[], $8::integer[], $9::text[], $10::bigint[]) \
         AS ended (id, claim, state, due_at, finished_at, attempts, kept, added, error, waits) \
         WHERE d.id = ended.id AND d.id = ANY ($1) \
         AND (ended.state = 'succeeded' OR d.state = 'running' AND d.claim = ended.claim)"
    };
}

/// The same, where attempts have failed or may follow one that has: a success is stored only after a failure.
const ACKNOWLEDGE_WITH_HISTORY: &str = concat!(
    "WITH updated AS (",
    acknowledge!(),
    " RETURNING d.id) INSERT INTO athm_attempt (delivery_id, claim, number, started_at, ended_at, process, error) ",
    "SELECT run.id, run.claim, run.number, run.started_at, run.ended_at, $17, run.error ",
    "FROM unnest($11::uuid[], $12::uuid[], $13::integer[], $14::timestamptz[], $15::timestamptz[], $16::text[]) ",
    "AS run (id, claim, number, started_at, ended_at, error) JOIN updated ON updated.id = run.id ",
    "WHERE run.error IS NOT NULL OR EXISTS (SELECT 1 FROM athm_attempt WHERE delivery_id = run.id) ",
    "ON CONFLICT DO NOTHING"
);

/// The history of a delivery, oldest first: the identities of claims grow with time.
pub(super) async fn list_attempts(session: &Session, of: DeliveryId) -> Result<Vec<AttemptRecord>> {
    let sql = select_attempt!("WHERE delivery_id = $1 ORDER BY claim");
    Ok(session.readable("athm_attempt", sql, values![*of.as_uuid()], |row| row.attempt_record()).await?.0)
}

impl Request for Acknowledgement {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(vec![self.id.to_string()])
    }
}

impl BatchedRequest for Acknowledgement {
    async fn execute_all(acknowledgements: &[&Self], batch: BatchContext<'_>) -> Result<Vec<WriteResult<()>>> {
        let updates: Vec<DeliveryUpdate<'_>> = column(acknowledgements, |acknowledgement| acknowledgement.update());
        let to_server = |at: Timestamp| batch.offset.to_server(at);
        let mut values = values![
            column(acknowledgements, |acknowledgement| *acknowledgement.id.as_uuid()),
            column(acknowledgements, |acknowledgement| *acknowledgement.attempt.claim.as_uuid()),
            column(&updates, |update| update.state.as_str()),
            column(&updates, |update| update.due_at.map(to_server)),
            column(&updates, |update| update.finished_at.map(to_server)),
            column(&updates, |update| integer(update.attempts)),
            column(&updates, |update| integer(update.interruptions.kept)),
            column(&updates, |update| integer(update.interruptions.added)),
            column(&updates, |update| update.error.map(text)),
            column(&updates, |update| i64::try_from(update.waits.as_millis()).unwrap_or(i64::MAX)),
        ];
        let ended = acknowledgements.iter();
        let history: Vec<_> = ended.filter_map(|ended| Some((ended.id, ended.attempt, ended.history()?))).collect();
        let mut sql = acknowledge!();
        if !history.is_empty() {
            sql = ACKNOWLEDGE_WITH_HISTORY;
            values.extend(values![
                column(&history, |(id, ..)| *id.as_uuid()),
                column(&history, |(_, attempt, _)| *attempt.claim.as_uuid()),
                column(&history, |(_, attempt, _)| integer(attempt.number)),
                column(&history, |(.., history)| storable(history.started_at)),
                column(&history, |(.., history)| storable(history.ended_at)),
                column(&history, |(.., history)| history.error.map(text)),
                process::name(),
            ]);
        }
        batch.session.execute(sql, values).await?;
        Ok(acknowledgements.iter().map(|_| Ok(())).collect())
    }
}
