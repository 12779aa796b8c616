//! The columns that the mappings of [`Columns`](super::Columns) read, in their order, and the `SELECT`s that both backends
//! share. Macros, because `concat!` takes literals only.

macro_rules! transaction_columns {
    () => {
        "t.id, t.kind, t.status, t.ecommerce_id, t.reference_number, t.daily_transaction_id, t.total, t.subtotal, t.tax, \
         t.fee, t.net_amount, t.refunded_amount, t.metadata_1, t.metadata_2, t.date, t.deadline, t.verified, t.problem, \
         t.created_at, t.updated_at, t.expected_total, t.accepted_total"
    };
}

macro_rules! item_columns {
    () => {
        "i.name, i.description, i.quantity, i.price, i.tax, i.metadata, i.sku"
    };
}

macro_rules! customer_columns {
    () => {
        "c.name, c.phone, c.email, c.message"
    };
}

macro_rules! event_columns {
    () => {
        "e.id, e.transaction_id, e.transition, e.refund_amount, e.sender, e.rejection, e.created_at"
    };
}

macro_rules! claim_columns {
    () => {
        "d.id, d.signal, d.receiver, d.attempts, d.is_replay, d.state = 'running', d.interruptions, d.waited_ms"
    };
}

/// Whether a claim of the delivery makes it an ordinary one, or a suspect; see
/// [`ClaimableDelivery::attempt`](crate::outbox::ClaimableDelivery::attempt). `interruptions > 0` repeats a part of the
/// condition, for the index.
macro_rules! is_ordinary {
    () => {
        "d.interruptions + (CASE WHEN d.state = 'running' THEN 1 ELSE 0 END) < 2"
    };
}

macro_rules! is_suspect {
    () => {
        "d.interruptions > 0 AND d.interruptions + (CASE WHEN d.state = 'running' THEN 1 ELSE 0 END) >= 2"
    };
}

macro_rules! poll_columns {
    () => {
        "transaction_id, attempts"
    };
}

macro_rules! new_payment_columns {
    () => {
        "idempotency_key, total, subtotal, tax, metadata_1, metadata_2, items, timeout"
    };
}

macro_rules! payment_intent_columns {
    () => {
        concat!(
            "id, ",
            $crate::store::row::new_payment_columns!(),
            ", phone, state, attempts, due_at, deadline, error, ecommerce_id"
        )
    };
}

macro_rules! checkout_columns {
    () => {
        concat!(
            "id, ",
            $crate::store::row::new_payment_columns!(),
            ", language, return_url, form_token, email, cancelled_at, created_at"
        )
    };
}

macro_rules! attempt_columns {
    () => {
        "id, number, ecommerce_id, phone, failure, opened_at, ends_at"
    };
}

macro_rules! intent_columns {
    () => {
        "operation, is_under_way, ends_at"
    };
}

macro_rules! unresolved_columns {
    () => {
        "id, transaction_id, operation, attempts"
    };
}

macro_rules! message_columns {
    () => {
        "id, payment, kind, status, refunded, refunds, version, sender, attempts, due_at, received_at"
    };
}

macro_rules! copy_columns {
    () => {
        "id, state, sender, content_type, remote_address, size, answer, reason, transaction_id, received_at, body"
    };
}

/// `SELECT` for copies of messages, newest first: `$1` and `$2` bound the time, `$3` and `$4` are where the page before
/// ended, `$limit` is the size of the page. SQLite numbers parameters as they appear.
macro_rules! select_copies {
    ($filter:literal, $limit:literal) => {
        concat!(
            "SELECT ",
            $crate::store::row::copy_columns!(),
            " FROM athm_message WHERE received_at >= $1 AND received_at < $2 AND (received_at, id) < ($3, $4) ",
            $filter,
            " ORDER BY received_at DESC, id DESC LIMIT ",
            $limit
        )
    };
}

/// `SELECT` for `Columns::transaction`; the rest begins with `FROM` and names the payment `t`.
macro_rules! select_transaction {
    ($rest:literal) => {
        concat!("SELECT ", $crate::store::row::transaction_columns!(), " ", $rest)
    };
}

/// `SELECT` for `Columns::event`; the rest begins with `WHERE`.
macro_rules! select_event {
    ($rest:literal) => {
        concat!("SELECT ", $crate::store::row::event_columns!(), " FROM athm_event e ", $rest)
    };
}

/// `SELECT` for a delivery's id, its payment, its event and itself as it can be claimed; the rest begins with `WHERE`.
#[cfg(feature = "sqlite")]
macro_rules! select_claimable {
    ($rest:expr) => {
        concat!(
            "SELECT d.id, ",
            $crate::store::row::transaction_columns!(),
            ", ",
            $crate::store::row::event_columns!(),
            ", ",
            $crate::store::row::claim_columns!(),
            " FROM athm_delivery d JOIN athm_event e ON e.id = d.event_id ",
            "JOIN athm_transaction t ON t.id = e.transaction_id ",
            $rest
        )
    };
}

/// `SELECT` for `Columns::delivery`; the rest begins with `WHERE`, or is nothing.
macro_rules! select_delivery {
    ($rest:expr) => {
        concat!(
            "SELECT d.id, d.event_id, e.transaction_id, d.signal, d.receiver, d.state, d.attempts, d.interruptions, ",
            "d.is_replay, d.due_at, d.waits_for_customer, d.error, d.created_at, d.dismissal FROM athm_delivery d ",
            "JOIN athm_event e ON e.id = d.event_id ",
            $rest
        )
    };
}

/// `SELECT` for `Columns::attempt_record`; the rest begins with `WHERE`.
macro_rules! select_attempt {
    ($rest:literal) => {
        concat!("SELECT delivery_id, number, started_at, ended_at, process, error FROM athm_attempt ", $rest)
    };
}

/// `SELECT` for `Columns::delivery_count`; the rest begins with `WHERE`.
macro_rules! count_deliveries {
    ($rest:expr) => {
        concat!("SELECT d.state, count(*) FROM athm_delivery d JOIN athm_event e ON e.id = d.event_id ", $rest)
    };
}

macro_rules! alert_columns {
    () => {
        "athm_alert.id, athm_alert.kind, athm_alert.place, athm_alert.transaction_id, athm_alert.detail, \
         athm_alert.created_at, athm_alert.attempts"
    };
}

/// `SELECT` for `Columns::refund`; the rest begins with `WHERE`.
macro_rules! select_refund {
    ($rest:literal) => {
        concat!(
            "SELECT id, transaction_id, amount, state, total_refunded, is_ours, reference_number, ",
            "daily_transaction_id, date, created_at FROM athm_refund ",
            $rest
        )
    };
}

#[cfg(feature = "sqlite")]
pub(in crate::store) use select_claimable;
pub(in crate::store) use {
    alert_columns, attempt_columns, checkout_columns, claim_columns, copy_columns, count_deliveries, customer_columns,
    event_columns, intent_columns, is_ordinary, is_suspect, item_columns, message_columns, new_payment_columns,
    payment_intent_columns, poll_columns, select_attempt, select_copies, select_delivery, select_event, select_refund,
    select_transaction, transaction_columns, unresolved_columns,
};
