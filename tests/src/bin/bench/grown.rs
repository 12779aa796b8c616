//! Payments that are there before a turn begins: each with two items, an event and two succeeded deliveries.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How old they are: what ended longer ago than it is kept would be pruned during the turn.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The statements that insert that many, oldest first. `postgres` is whether they are for PostgreSQL.
pub(crate) fn statements(payments: usize, postgres: bool) -> Vec<String> {
    let first = (SystemTime::now() - AGE).duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    // A UUID of version 7 of that time, different for each table and number.
    let id = |table: u32, n: &str| {
        if postgres {
            format!(
                "(lpad(to_hex({first} + {n} / 4096), 12, '0') || '7' || lpad(to_hex({n} % 4096), 3, '0') || '8{table}' || lpad(to_hex({n}), 14, '0'))::uuid"
            )
        } else {
            format!("unhex(printf('%012x7%03x8{table}%014x', {first} + {n} / 4096, {n} % 4096, {n}))")
        }
    };
    let (numbers, text) = if postgres {
        (format!("generate_series(1, {payments}) AS numbers (n)"), "n::text")
    } else {
        let all = format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {payments})"
        );
        (format!("({all} SELECT n FROM numbers) AS numbers"), "n")
    };
    let (time, yes, no) = if postgres {
        (format!("to_timestamp({first} / 1000.0) + n * INTERVAL '1 millisecond'"), "true", "false")
    } else {
        (format!("({first} + n) * 1000"), "1", "0")
    };
    let (payment, event) = (id(1, "n"), id(2, "n"));
    let mut statements = vec![
        format!(
            "INSERT INTO athm_transaction (id, kind, status, reference_number, total, subtotal, tax, fee, net_amount, \
             refunded_amount, metadata_1, metadata_2, verified, created_at, updated_at) SELECT {payment}, 'ecommerce', \
             'completed', 'old-' || {text}, 3234, 2900, 334, 85, 3149, 0, 'order-' || {text}, 'web', {yes}, {time}, {time} \
             FROM {numbers}"
        ),
        format!(
            "INSERT INTO athm_event (id, transaction_id, transition, sender, created_at) \
             SELECT {event}, {payment}, 'completed', 'callback', {time} FROM {numbers}"
        ),
    ];
    for position in 0..2 {
        statements.push(format!(
            "INSERT INTO athm_item (transaction_id, position, name, description, quantity, price, tax, metadata, sku) \
             SELECT {payment}, {position}, 'Coffee', 'Medium roast', '1', 1450, 167, 'c-1', '' FROM {numbers}"
        ));
    }
    for (receiver, signal) in ["completed", "received"].iter().enumerate() {
        let delivery = id(3, &format!("(2 * n + {receiver})"));
        statements.push(format!(
            "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at, \
             finished_at) SELECT {delivery}, {event}, '{signal}', 'receiver-{receiver}', 'succeeded', 1, {no}, {time}, {time}, \
             {time} FROM {numbers}"
        ));
    }
    statements
}
